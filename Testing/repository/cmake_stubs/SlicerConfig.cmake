# A stand-in for Slicer's build tree that lets CMake read this extension without Slicer:
# every file is copied at configure time to where Slicer's build would put it, every
# test is noted, and the catalogue's fields are written down.
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/ExtensionSteps.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/ExtensionSteps.cmake")
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "qt-scripted-modules")
set(BUILD_TESTING ON)
