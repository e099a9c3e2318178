// Number of ones in x. W must hold N.
`default_nettype none
module lgnx_popcount #(
  parameter N = 2,
  parameter W = 2
) (
  input  wire [N-1:0] x,
  output reg  [W-1:0] count
);
  integer i;
  always @* begin
    count = {W{1'b0}};
    for (i = 0; i < N; i = i + 1)
      count = count + {{(W - 1){1'b0}}, x[i]};
  end
endmodule
`default_nettype wire
