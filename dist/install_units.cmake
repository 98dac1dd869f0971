# Run by `cmake --install`: writes systemd's units for the prefix that was given there. From dist/CMakeLists.txt: VIGIL_DIST
# (this folder), VIGIL_BINDIR, VIGIL_DOCDIR and VIGIL_SHAREDIR (relative to the prefix).
set(bin ${CMAKE_INSTALL_PREFIX}/${VIGIL_BINDIR})
set(doc ${CMAKE_INSTALL_PREFIX}/${VIGIL_DOCDIR})
set(share ${CMAKE_INSTALL_PREFIX}/${VIGIL_SHAREDIR})

function(vigil_unit name STATE_DIRECTORY RUNTIME_DIRECTORY)
  file(READ ${VIGIL_DIST}/systemd/service-common.in common)
  string(CONFIGURE "${common}" SERVICE_COMMON @ONLY)
  set(unit $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${name})
  configure_file(${VIGIL_DIST}/systemd/${name}.in ${unit} @ONLY)
  message(STATUS "Installing: ${unit}")
endfunction()
vigil_unit(vigil-server.service vigil vigil)
vigil_unit(vigil-server@.service vigil/%i vigil-%i)
vigil_unit(vigil-sentinel.service vigil-sentinel vigil-sentinel)
