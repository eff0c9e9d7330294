# What `ninja install` puts where, and the .deb by CPack: cpack -G DEB --config build/release/CPackConfig.cmake
set(CMAKE_INSTALL_PREFIX /usr)
find_program(GZIP gzip)
set(MAN ${CMAKE_CURRENT_BINARY_DIR}/segstream.1.gz)
add_custom_command(OUTPUT ${MAN}
  COMMAND ${CMAKE_SOURCE_DIR}/deploy/package/man $<TARGET_FILE:segstream> ${PROJECT_VERSION} > segstream.1
  COMMAND ${GZIP} -9nf segstream.1
  DEPENDS segstream deploy/package/man VERBATIM)
set(CHANGES ${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian.gz)
add_custom_command(OUTPUT ${CHANGES}
  COMMAND ${GZIP} -9nc ${CMAKE_SOURCE_DIR}/deploy/package/changelog > ${CHANGES}
  DEPENDS deploy/package/changelog VERBATIM)
add_custom_target(package_files DEPENDS ${MAN} ${CHANGES} segstream)

set(DOC share/doc/segstream)
# Only a package needs them: they are made when it is.
install(CODE "execute_process(COMMAND \${CMAKE_COMMAND} --build ${CMAKE_CURRENT_BINARY_DIR} --target package_files
                              OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)")
install(TARGETS segstream RUNTIME DESTINATION bin)
install(FILES ${MAN} DESTINATION share/man/man1)
install(FILES deploy/package/completions/segstream.bash DESTINATION share/bash-completion/completions RENAME segstream)
install(FILES deploy/package/completions/_segstream DESTINATION share/zsh/vendor-completions)
install(FILES deploy/systemd/segstream.service deploy/systemd/segstream@.service DESTINATION /lib/systemd/system)
install(FILES deploy/package/default DESTINATION /etc/default RENAME segstream)
install(DIRECTORY DESTINATION /etc/segstream/conf.d DIRECTORY_PERMISSIONS
        OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
install(DIRECTORY DESTINATION /etc/segstream/secrets DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
file(GLOB SCHEMAS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schemas/*.avsc)
install(FILES ${SCHEMAS} DESTINATION share/segstream/schemas)
install(FILES deploy/prometheus/alerts.yaml deploy/prometheus/scrape.yaml DESTINATION share/segstream/prometheus)
install(FILES deploy/grafana/dashboard.json DESTINATION share/segstream/grafana)
file(GLOB PAGES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/deploy/*.md)
install(FILES ${PAGES} DESTINATION ${DOC})
install(FILES deploy/package/copyright ${CHANGES} DESTINATION ${DOC})
install(DIRECTORY deploy/starter deploy/examples/shop DESTINATION ${DOC}/examples)
install(FILES deploy/examples/past-purchases.yaml deploy/examples/README.md DESTINATION ${DOC}/examples)
install(DIRECTORY deploy/consumers DESTINATION ${DOC})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME segstream)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "segstream maintainers <maintainers@segstream.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "live customer segments and email triggers from Kafka events")
set(CPACK_PACKAGE_DESCRIPTION "segstream reads customers' clicks, opens and purchases from
Kafka, keeps each customer's state in Redis, moves customers between segments the moment an event or the passing
of time makes it so, and writes the next email of each sequence to Kafka.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS tzdata)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "redis-server (>= 5:6), prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/deploy/package/postinst;${CMAKE_SOURCE_DIR}/deploy/package/prerm;${CMAKE_SOURCE_DIR}/deploy/package/postrm;${CMAKE_SOURCE_DIR}/deploy/package/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_CMAKE_GENERATOR Ninja)
include(CPack)
