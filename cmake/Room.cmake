# room(<folder> [THREADS] [FOLDERS <inner>...] LINKS <target>... [PRIVATE_LINKS <target>...]
#      [TEST_LINKS <target>...])
#
# A folder of src/ as a library: every .cpp but the *_test.cpp, which become <name>_test. The name of
# dialect/chat is dialect_chat; a folder of headers alone is an interface. Inner FOLDERS belong to the
# room where they have no row of their own in ARCHITECTURE.md. A room links only what that page lets
# it include. Third parties whose headers stay in .cpp files go under PRIVATE_LINKS. The tests of a
# room with THREADS have several threads: they are what is built and run under the thread sanitizer.
add_custom_target(thread_tests)  # what ./dev test tsan builds

function(room folder)
  cmake_parse_arguments(ROOM "THREADS" "" "FOLDERS;LINKS;PRIVATE_LINKS;TEST_LINKS" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  set(patterns ${PROJECT_SOURCE_DIR}/src/${folder}/*.cpp)
  foreach(inner ${ROOM_FOLDERS})
    list(APPEND patterns ${PROJECT_SOURCE_DIR}/src/${folder}/${inner}/*.cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")

  if(sources)
    add_library(ccproxy_${name} STATIC ${sources})
    target_include_directories(ccproxy_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(ccproxy_${name} PUBLIC ${ROOM_LINKS}
                                          PRIVATE ${ROOM_PRIVATE_LINKS} ccproxy_warnings)
  else()
    add_library(ccproxy_${name} INTERFACE)
    target_link_libraries(ccproxy_${name} INTERFACE ${ROOM_LINKS})
  endif()

  if(CCPROXY_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ccproxy_${name} ${ROOM_TEST_LINKS} GTest::gtest_main
                                               ccproxy_warnings ccproxy_test_options)
    target_compile_definitions(${name}_test
                               PRIVATE CCPROXY_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    set(properties TIMEOUT 120)
    if(ROOM_THREADS)
      list(APPEND properties LABELS threads)
      add_dependencies(thread_tests ${name}_test)
    endif()
    gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}."
                         WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} PROPERTIES ${properties})
  endif()
endfunction()
