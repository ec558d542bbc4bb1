// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace ctga {

const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::bad_input: return "bad-input";
    case ErrorCode::busy: return "busy";
    case ErrorCode::foreign_xdp_program: return "foreign-xdp-program";
    case ErrorCode::kernel: return "kernel";
    case ErrorCode::no_such_interface: return "no-such-interface";
    case ErrorCode::not_attached: return "not-attached";
    case ErrorCode::not_permitted: return "not-permitted";
    case ErrorCode::not_set_up: return "not-set-up";
  }
  return "kernel";
}

Error::Error(ErrorCode code, int error_number, const std::string& doing, std::string log)
    : std::system_error(error_number, std::generic_category(), doing),
      code_(code),
      doing_(doing),
      log_(std::move(log)) {}

Error kernel_error(int error_number, const std::string& doing, std::string log) {
  const int number = std::abs(error_number);
  // The verifier also answers EPERM and EACCES; libbpf then prints its log under this heading.
  const bool verifier = log.find("PROG LOAD LOG") != std::string::npos;
  const bool refused = (number == EPERM || number == EACCES) && !verifier;
  return Error(refused ? ErrorCode::not_permitted : ErrorCode::kernel, number, doing,
               std::move(log));
}

}  // namespace ctga
