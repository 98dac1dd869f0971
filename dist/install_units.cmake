# Run by `cmake --install`: writes systemd's units for the prefix that was given there. From dist/CMakeLists.txt: VIGIL_DIST
# (this folder), VIGIL_BINDIR and VIGIL_DOCDIR (relative to the prefix).
set(bin ${CMAKE_INSTALL_PREFIX}/${VIGIL_BINDIR})
set(doc ${CMAKE_INSTALL_PREFIX}/${VIGIL_DOCDIR})

function(vigil_unit name STATE_DIRECTORY RUNTIME_DIRECTORY)
  file(READ ${VIGIL_DIST}/systemd/service-common.in common)
  string(CONFIGURE "${common}" SERVICE_COMMON @ONLY)
  set(unit $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${name})
  configure_file(${VIGIL_DIST}/systemd/${name}.in ${unit} @ONLY)
  message(STATUS "Installing: ${unit}")
endfunction()
vigil_unit(vigil-server.service vigil vigil)
vigil_unit(vigil-server@.service vigil/%i vigil-%i)
