# Turn a text file into a C string: cmake -DOUT=FILE -DFROM=FILE -DNAME=NAME -DHEADER=FILE -P embed.cmake
file(READ ${FROM} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
file(WRITE ${OUT} "#include \"${HEADER}\"\n\nconst char ${NAME}[] =\n    \"${text}\";\n")
