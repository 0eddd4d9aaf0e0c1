# Included twice, as Slicer's "generate config" and "CPack" steps are: the fields must be set by then.
foreach(_field HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  if("${EXTENSION_${_field}}" STREQUAL "")
    message(FATAL_ERROR "EXTENSION_${_field} is empty")
  endif()
endforeach()
file(APPEND "${CMAKE_BINARY_DIR}/steps.txt" "${PROJECT_NAME}: ${EXTENSION_DEPENDS}\n")
