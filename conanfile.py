# SPDX-License-Identifier: BSL-1.0
from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy
from conan.tools.layout import basic_layout


class SocoroRecipe(ConanFile):
    name = "socoro"
    version = "0.1.0"
    description = "Socket.IO for C++20 coroutines, header-only, on standalone Asio and Boost.JSON"
    license = "BSL-1.0"
    topics = ("socket.io", "websocket", "coroutines", "asio", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    exports_sources = "include/*", "LICENSE"
    no_copy_source = True
    # Boost.JSON comes with <socoro/src.hpp>, so nothing of Boost has to be built.
    default_options = {"boost/*:header_only": True}

    def layout(self):
        basic_layout(self)

    def requirements(self):
        self.requires("asio/[>=1.22.1]", transitive_headers=True)
        self.requires("boost/[>=1.81.0]", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def package_id(self):
        self.info.clear()

    def package(self):
        copy(self, "LICENSE", self.source_folder, f"{self.package_folder}/licenses")
        copy(self, "*.hpp", f"{self.source_folder}/include", f"{self.package_folder}/include")

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        # clang does not announce the coroutine support that Asio before 1.24 looks for.
        self.cpp_info.defines = ["ASIO_HAS_CO_AWAIT=1", "ASIO_HAS_STD_COROUTINE=1"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
