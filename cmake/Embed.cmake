# embed(<target> <file> <header> <namespace> <symbol>)
#
# Builds a text file into <target> as `const std::string_view <namespace>::<symbol>`, declared in
# <header>. The compiler is given the text in pieces, because C++ bounds the length of one literal.
function(embed target file header namespace symbol)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${file} -DOUTPUT=${output} -DHEADER=${header}
            -DNAMESPACE=${namespace} -DSYMBOL=${symbol} -P ${PROJECT_SOURCE_DIR}/cmake/EmbedText.cmake
    DEPENDS ${file} ${PROJECT_SOURCE_DIR}/cmake/EmbedText.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
