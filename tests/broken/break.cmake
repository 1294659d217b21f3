# Copies src/client to OUT with the breaks of breaks.cmake: cmake -DIN=src/client -DOUT=... -P break.cmake
file(COPY ${IN}/ DESTINATION ${OUT})

# hlsmesh_break(<file> <from> <to>): `from` must be there, once.
function(hlsmesh_break file from to)
  file(READ ${IN}/${file} text)
  string(FIND "${text}" "${from}" first)
  string(FIND "${text}" "${from}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "tests/broken/breaks.cmake: src/client/${file} does not have this line once:\n${from}")
  endif()
  # Several breaks may meet in one file.
  file(READ ${OUT}/${file} text)
  string(REPLACE "${from}" "${to}" text "${text}")
  if(NOT text MATCHES "extern int hlsmesh_broken")
    string(PREPEND text "extern int hlsmesh_broken;\n")
  endif()
  file(WRITE ${OUT}/${file} "${text}")
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/breaks.cmake)
