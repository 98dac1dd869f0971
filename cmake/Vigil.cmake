# How Vigil's folders become libraries and test programs.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Paths below the source tree count relative, so that checkouts side by side share what they compiled; the rest is what
  # ccache needs to be told of precompiled headers.
  cmake_path(GET CMAKE_SOURCE_DIR PARENT_PATH checkouts)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${checkouts} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
endif()

add_library(vigil_options INTERFACE)
target_include_directories(vigil_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(vigil_options INTERFACE Threads::Threads)
target_compile_options(vigil_options INTERFACE
  -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough)
if(VIGIL_WERROR)
  target_compile_options(vigil_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these falsely inside the standard library once it has inlined enough.
  target_compile_options(vigil_options INTERFACE -Wcast-align=strict -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds
    -Wno-stringop-overread -Wno-maybe-uninitialized -Wno-free-nonheap-object)
else()
  # libstdc++ 12's std::stable_sort uses a function that it declares deprecated.
  target_compile_options(vigil_options INTERFACE -Wthread-safety -Wno-deprecated-declarations)
endif()
if(VIGIL_SANITIZE)
  target_compile_options(vigil_options INTERFACE -fsanitize=${VIGIL_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(vigil_options INTERFACE -fsanitize=${VIGIL_SANITIZE})
  target_compile_definitions(vigil_options INTERFACE VIGIL_SANITIZED=1)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug" OR VIGIL_SANITIZE)
  # Not in the release build: it is a register, and instructions in every function; stack traces go by the unwind tables.
  target_compile_options(vigil_options INTERFACE -fno-omit-frame-pointer)
  target_compile_definitions(vigil_options INTERFACE VIGIL_CHECK_INVARIANTS=1)
endif()

if(VIGIL_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/pch/pch.cc "")
  add_library(vigil_pch OBJECT ${CMAKE_BINARY_DIR}/pch/pch.cc)
  target_link_libraries(vigil_pch PUBLIC vigil_options)
  target_precompile_headers(vigil_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(vigil_options INTERFACE -fpch-preprocess)
  else()
    target_compile_options(vigil_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

# Gives a target of the floors the precompiled headers; not for targets with definitions of their own.
function(vigil_precompiled target)
  if(VIGIL_PCH)
    target_precompile_headers(${target} REUSE_FROM vigil_pch)
  endif()
endfunction()

# vigil_library(NAME [DEPENDS lib...]): every x.cc of this folder but x_test.cc becomes the static library vigil_NAME;
# the x_test.cc of a folder are collected for the one unit test program, vigil_unit_tests.
function(vigil_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/*/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(sources)
    add_library(vigil_${name} STATIC ${sources})
    target_link_libraries(vigil_${name} PUBLIC vigil_options)
    target_link_libraries(vigil_${name} PUBLIC ${ARG_DEPENDS})
    vigil_precompiled(vigil_${name})
  else()
    add_library(vigil_${name} INTERFACE)
    target_link_libraries(vigil_${name} INTERFACE vigil_options ${ARG_DEPENDS})
  endif()
  set_property(GLOBAL APPEND PROPERTY VIGIL_LIBRARIES vigil_${name})
  if(tests)
    set_property(GLOBAL APPEND PROPERTY VIGIL_UNIT_TESTS ${tests})
  endif()
endfunction()

# One program runs the unit tests of every folder: one link instead of one per folder.
function(vigil_unit_test_program)
  find_package(GTest REQUIRED)
  get_property(tests GLOBAL PROPERTY VIGIL_UNIT_TESTS)
  get_property(libraries GLOBAL PROPERTY VIGIL_LIBRARIES)
  if(tests)
    add_executable(vigil_unit_tests ${tests})
    target_link_libraries(vigil_unit_tests PRIVATE ${libraries} GTest::gtest GTest::gmock GTest::gtest_main)
    vigil_precompiled(vigil_unit_tests)
  endif()
endfunction()
