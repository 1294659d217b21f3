# Runs FUZZER over CORPUS and then for a bounded, repeatable drive of RUNS inputs.
file(GLOB inputs ${CORPUS}/*)
if(NOT inputs)
  message(FATAL_ERROR "no corpus in ${CORPUS}")
endif()
execute_process(COMMAND ${FUZZER} ${inputs} RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE log)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${log}")
endif()
file(REMOVE_RECURSE ${FOUND})
file(MAKE_DIRECTORY ${FOUND})
execute_process(
  COMMAND ${FUZZER} -runs=${RUNS} -seed=1 -max_len=4096 -artifact_prefix=${FOUND}- ${FOUND} ${CORPUS}
  RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE log)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${log}")
endif()
