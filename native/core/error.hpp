// SPDX-License-Identifier: Apache-2.0
// What core throws: a stable code, errno, and what libbpf and the verifier had to say.
#pragma once

#include <string>
#include <system_error>

namespace ctga {

// Those codes of src/base/errors.ts that the kernel can cause.
enum class ErrorCode {
  bad_input,
  busy,
  foreign_xdp_program,
  kernel,
  no_such_interface,
  not_attached,
  not_permitted,
  not_set_up,
};

// As src/base/errors.ts spells it, such as "not-permitted".
const char* to_string(ErrorCode code);

// what() reads "<doing>: <strerror>".
class Error : public std::system_error {
 public:
  Error(ErrorCode code, int error_number, const std::string& doing, std::string log = {});

  ErrorCode ctga_code() const { return code_; }
  // what() without the text of errno. For some codes this is the whole sentence.
  const std::string& doing() const { return doing_; }
  const std::string& log() const { return log_; }

 private:
  ErrorCode code_;
  std::string doing_;
  std::string log_;
};

// The error for a failed system call or libbpf call; EPERM and EACCES become not_permitted unless
// the log shows that it was the verifier who refused. `error_number` may be negative, as libbpf
// returns it.
Error kernel_error(int error_number, const std::string& doing, std::string log = {});

}  // namespace ctga
