#include <stddef.h>
#include <stdlib.h>
#include <stdbool.h>

void logic_gate_net(char const *inp, char *out) {
	const char v0 = (char) (~inp[2] | inp[1]);
	const char v1 = (char) (inp[1] | inp[0]);
	const char v2 = (char) (~inp[0] | inp[3]);
	const char v3 = (char) (~inp[2] | inp[3]);
	const char v4 = (char) (inp[2]);
	const char v5 = (char) (~(inp[3] ^ inp[1]));
	out[0] = (char) (~v5);
	out[1] = (char) (v4 ^ v3);
	out[2] = (char) ((char) 0);
	out[3] = (char) (v1 ^ v1);
	out[4] = (char) (~v2);
	out[5] = (char) (~(v5 | v3));
}

void apply_logic_gate_net (bool const *inp, int *out, size_t len) {
    char *inp_temp = malloc(4*sizeof(char));
    char *out_temp = malloc(6*sizeof(char));
    char *out_temp_o = malloc(2*sizeof(char));
    
    for(size_t i = 0; i < len; ++i) {
    
        // Converting the bool array into a bitpacked array
        for(size_t d = 0; d < 4; ++d) {
            char res = (char) 0;
            for(size_t b = 0; b < 8; ++b) {
                res <<= 1;
                res += !!(inp[i * 4 * 8 + (8 - b - 1) * 4 + d]);
            }
            inp_temp[d] = res;
        }
    
        // Applying the logic gate net
        logic_gate_net(inp_temp, out_temp);
        
        // GroupSum of the results via logic gate networks
        for(size_t c = 0; c < 2; ++c) {  // for each class
            // Initialize the output bits
            for(size_t d = 0; d < 2; ++d) {
                out_temp_o[d] = (char) 0;
            }
            
            // Apply the adder logic gate network
            for(size_t a = 0; a < 3; ++a) {
                char carry = out_temp[c * 3 + a];
                char out_temp_o_d;
                for(int d = 2 - 1; d >= 0; --d) {
                    out_temp_o_d  = out_temp_o[d];
                    out_temp_o[d] = carry ^ out_temp_o_d;
                    carry         = carry & out_temp_o_d;
                }
            }
            
            // Unpack the result bits
            for(size_t b = 0; b < 8; ++b) {
                const char bit_mask = (char) 1 << b;
                int res = 0;
                for(size_t d = 0; d < 2; ++d) {
                    res <<= 1;
                    res += !!(out_temp_o[d] & bit_mask);
                }
                out[(i * 8 + b) * 2 + c] = res;
            }
        }
    }
    free(inp_temp);
    free(out_temp);
    free(out_temp_o);
}
