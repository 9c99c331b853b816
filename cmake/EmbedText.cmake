# Run by embed(): writes OUTPUT, which defines NAMESPACE::SYMBOL with the text of INPUT.
file(READ ${INPUT} text)
string(LENGTH "${text}" length)
set(pieces "")
set(at 0)
while(at LESS length)
  string(SUBSTRING "${text}" ${at} 8000 piece)
  string(APPEND pieces "    R\"EMBED(${piece})EMBED\"\n")
  math(EXPR at "${at} + 8000")
endwhile()
file(WRITE ${OUTPUT}
"#include \"${HEADER}\"

namespace ${NAMESPACE} {

const std::string_view ${SYMBOL} =
${pieces};

}  // namespace ${NAMESPACE}
")
