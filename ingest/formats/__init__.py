"""Wire formats, one a module: bytes in, values out; what is wrong raises Refused."""
