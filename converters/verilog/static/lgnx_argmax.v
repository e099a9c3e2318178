// Index of the largest of G unsigned numbers of W bits; of equal ones the lowest index.
`default_nettype none
module lgnx_argmax #(
  parameter G = 2,
  parameter W = 2,
  parameter C = 1
) (
  input  wire [G*W-1:0] x,
  output reg  [C-1:0]   index
);
  integer i;
  reg [W-1:0] best;
  always @* begin
    best = x[W-1:0];
    index = {C{1'b0}};
    for (i = 1; i < G; i = i + 1)
      if (x[i*W +: W] > best) begin
        best = x[i*W +: W];
        index = i[C-1:0];
      end
  end
endmodule
`default_nettype wire
