// SPDX-License-Identifier: Apache-2.0
// Runs the programs of an object file on frames (BPF_PROG_TEST_RUN) in a network namespace of its
// own, and tells what leaves at a port: the working part of psa.root.test.ts, which writes commands
// to its standard input and reads a line for each. Bytes are in hexadecimal.
//
//   load FILE                   loads it, and runs its program map_initializer
//   port NAME                   makes a TAP device, whose index it tells
//   set MAP KEY VALUE
//   inner MAP KEY (KEY VALUE)+  a hash map with these entries in a map of maps
//   get MAP KEY
//   run PROGRAM FRAME           what it returned, what it made of the frame, what left at the port
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr int kLargestFrame = 9000;
constexpr std::size_t kRoomToGrow = 512;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

Bytes from_hex(const std::string& text) {
  Bytes bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); i++) {
    bytes[i] = static_cast<std::uint8_t>(std::stoi(text.substr(2 * i, 2), nullptr, 16));
  }
  return bytes;
}

std::string to_hex(const std::uint8_t* bytes, std::size_t size) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; i++) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

class Runner {
 public:
  std::string obey(const std::string& line) {
    std::istringstream words(line);
    std::string what;
    std::string name;
    words >> what >> name;
    std::vector<Bytes> bytes;
    if (what != "load" && what != "port") {
      for (std::string hex; words >> hex;) bytes.push_back(from_hex(hex));
    }
    if (what == "load") return load(name);
    if (what == "port") return open_port(name);
    if (what == "set") return set(map(name), bytes.at(0), bytes.at(1));
    if (what == "inner") return set_inner(name, bytes);
    if (what == "get") return get(name, bytes.at(0));
    if (what == "run") return run(name, bytes.at(0));
    throw std::runtime_error("no such command: " + what);
  }

 private:
  std::string load(const std::string& path) {
    object_ = bpf_object__open_file(path.c_str(), nullptr);
    if (object_ == nullptr) fail("cannot open " + path);
    bpf_program* each = nullptr;
    bpf_object__for_each_program(each, object_) {
      const std::string section = bpf_program__section_name(each);
      const bool is_xdp = section.rfind("xdp", 0) == 0;
      bpf_program__set_type(each, is_xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS);
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_) bpf_map__set_pin_path(map, nullptr);
    if (bpf_object__load(object_) != 0) fail("the kernel refuses " + path);
    if (bpf_object__find_program_by_name(object_, "map_initializer") != nullptr) {
      run("map_initializer", Bytes(64));
    }
    return "loaded";
  }

  std::string open_port(const std::string& name) {
    port_ = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (port_ < 0 || ioctl(port_, TUNSETIFF, &request) != 0) fail("no TAP device");
    const int socket_of = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    request.ifr_mtu = kLargestFrame;
    if (ioctl(socket_of, SIOCSIFMTU, &request) != 0) fail("SIOCSIFMTU");
    request.ifr_flags = IFF_UP;
    if (ioctl(socket_of, SIOCSIFFLAGS, &request) != 0) fail("SIOCSIFFLAGS");
    close(socket_of);
    return std::to_string(if_nametoindex(name.c_str()));
  }

  bpf_map* map_of(const std::string& name) const {
    bpf_map* found = bpf_object__find_map_by_name(object_, name.c_str());
    if (found == nullptr) throw std::runtime_error("no map " + name);
    return found;
  }

  int map(const std::string& name) const { return bpf_map__fd(map_of(name)); }

  static std::string set(int fd, const Bytes& key, const Bytes& value) {
    if (bpf_map_update_elem(fd, key.data(), value.data(), BPF_ANY) != 0) fail("no such entry");
    return "set";
  }

  std::string set_inner(const std::string& name, const std::vector<Bytes>& bytes) const {
    const int fd =
        bpf_map_create(BPF_MAP_TYPE_HASH, nullptr, static_cast<std::uint32_t>(bytes.at(1).size()),
                       static_cast<std::uint32_t>(bytes.at(2).size()), 64, nullptr);
    if (fd < 0) fail("no inner map");
    for (std::size_t i = 1; i + 1 < bytes.size(); i += 2) set(fd, bytes[i], bytes[i + 1]);
    if (bpf_map_update_elem(map(name), bytes.at(0).data(), &fd, BPF_ANY) != 0) fail("no such map");
    return "set";
  }

  std::string get(const std::string& name, const Bytes& key) const {
    Bytes value(bpf_map__value_size(map_of(name)));
    if (bpf_map_lookup_elem(map(name), key.data(), value.data()) != 0) fail("no such entry");
    return to_hex(value.data(), value.size());
  }

  std::string run(const std::string& name, const Bytes& frame) const {
    const bpf_program* program = bpf_object__find_program_by_name(object_, name.c_str());
    if (program == nullptr) throw std::runtime_error("no program " + name);
    Bytes made(frame.size() + kRoomToGrow);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.data_out = made.data();
    options.data_size_out = static_cast<std::uint32_t>(made.size());
    if (bpf_prog_test_run_opts(bpf_program__fd(program), &options) != 0) fail("not run");
    std::string told =
        std::to_string(options.retval) + " " + to_hex(made.data(), options.data_size_out);
    std::array<std::uint8_t, kLargestFrame> copy{};
    for (;;) {
      const ssize_t length = port_ < 0 ? -1 : read(port_, copy.data(), copy.size());
      if (length < 0) return told;
      told += " " + to_hex(copy.data(), static_cast<std::size_t>(length));
    }
  }

  bpf_object* object_ = nullptr;
  int port_ = -1;
};

}  // namespace

int main() {
  // XDP leaves word for TC in maps that each CPU has for itself.
  cpu_set_t first;
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  if (unshare(CLONE_NEWNET) != 0 || sched_setaffinity(0, sizeof(first), &first) != 0) {
    std::cerr << "no network namespace: " << std::strerror(errno) << "\n";
    return 1;
  }
  // Or the kernel would send frames of its own to the TAP device.
  std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << 1;
  Runner runner;
  try {
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << runner.obey(line) << std::endl;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
