# find_package(connectoid 0.1 REQUIRED)
# target_link_libraries(app PRIVATE connectoid::connectoid)
#
# Expected in PREFIX/lib/cmake/connectoid/.

get_filename_component(_connectoid_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_library(connectoid_LIBRARY NAMES connectoid connectoid.dll.lib PATHS "${_connectoid_prefix}/lib" NO_DEFAULT_PATH)
if(NOT connectoid_LIBRARY)
  set(connectoid_FOUND FALSE)
  set(connectoid_NOT_FOUND_MESSAGE "there is no libconnectoid in ${_connectoid_prefix}/lib")
  return()
endif()

if(NOT TARGET connectoid::connectoid)
  # A library of an unknown kind is given to the linker as it is.
  add_library(connectoid::connectoid UNKNOWN IMPORTED)
  set_target_properties(connectoid::connectoid PROPERTIES
    IMPORTED_LOCATION "${connectoid_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${_connectoid_prefix}/include")
endif()
unset(_connectoid_prefix)
