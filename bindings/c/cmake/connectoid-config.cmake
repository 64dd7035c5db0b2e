# find_package(connectoid 0.1 REQUIRED)
# target_link_libraries(app PRIVATE connectoid::connectoid)         # shared
# target_link_libraries(app PRIVATE connectoid::connectoid_static)  # static, where it is installed
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
  # A library of an unknown kind is given to the linker as it is: shared, or static for Apple's mobile systems.
  add_library(connectoid::connectoid UNKNOWN IMPORTED)
  set_target_properties(connectoid::connectoid PROPERTIES
    IMPORTED_LOCATION "${connectoid_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${_connectoid_prefix}/include")
endif()

find_library(connectoid_STATIC_LIBRARY NAMES libconnectoid.a connectoid.lib PATHS "${_connectoid_prefix}/lib" NO_DEFAULT_PATH)
if(connectoid_STATIC_LIBRARY AND NOT TARGET connectoid::connectoid_static)
  find_package(Threads REQUIRED)
  add_library(connectoid::connectoid_static STATIC IMPORTED)
  set_target_properties(connectoid::connectoid_static PROPERTIES
    IMPORTED_LOCATION "${connectoid_STATIC_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${_connectoid_prefix}/include")
  if(WIN32)
    set(_connectoid_system ws2_32 userenv ntdll bcrypt iphlpapi)
  elseif(APPLE)
    set(_connectoid_system "-framework Security" "-framework SystemConfiguration" "-framework CoreFoundation")
  else()
    set(_connectoid_system ${CMAKE_DL_LIBS} m)
  endif()
  target_link_libraries(connectoid::connectoid_static INTERFACE Threads::Threads ${_connectoid_system})
endif()
unset(_connectoid_prefix)
