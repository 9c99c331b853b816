# room(<name> LINKS <target>... [PRIVATE_LINKS <target>...])
#
# A folder of src/ as a library: every .cpp but the *_test.cpp, which become <name>_test. A room links
# only what ARCHITECTURE.md lets it include. Third parties whose headers stay in .cpp files go under
# PRIVATE_LINKS.
function(room name)
  cmake_parse_arguments(ROOM "" "" "LINKS;PRIVATE_LINKS;TEST_LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")

  add_library(ccproxy_${name} STATIC ${sources})
  target_include_directories(ccproxy_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(ccproxy_${name} PUBLIC ${ROOM_LINKS}
                                        PRIVATE ${ROOM_PRIVATE_LINKS} ccproxy_warnings)

  if(CCPROXY_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ccproxy_${name} ${ROOM_TEST_LINKS} GTest::gtest_main
                                               ccproxy_warnings)
    target_compile_definitions(${name}_test
                               PRIVATE CCPROXY_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}."
                         WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} PROPERTIES TIMEOUT 120)
  endif()
endfunction()
