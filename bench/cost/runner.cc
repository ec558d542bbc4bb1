// SPDX-License-Identifier: Apache-2.0
// Runs programs on frames (BPF_PROG_TEST_RUN), all in turn, and tells what each packet took: the
// working part of cost.ts, which writes the plan to its standard input and reads lines of JSON.
//
//   rounds N
//   known HEX                          a name that the programs look for, in wire format
//   program NAME ctga|paper|foreign FILE
//   row ID PACKETS FRAME [KEY=NUMBER...] [without=NAME...]
//
// Keys: seen (ms), answers, fragments (copies a second), nth; letters, number (offsets, see
// vary.bpf.c); full=1 to leave the copies unread. In each round every program judges PACKETS packets
// of the row, on one CPU, and then its copies are read. Time is that of the thread, so another
// process on the CPU does not count.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <time.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/maps.hpp"
#include "core/program.hpp"
#include "core/ring_reader.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

Bytes from_hex(const std::string& text) {
  Bytes bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); i++) {
    bytes[i] = static_cast<std::uint8_t>(std::stoi(text.substr(2 * i, 2), nullptr, 16));
  }
  return bytes;
}

void pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

double thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Row {
  std::string id;
  int packets = 0;
  Bytes frame;
  std::map<std::string, std::uint64_t> keys;
  std::set<std::string> without;

  std::uint64_t key(const char* name, std::uint64_t otherwise = 0) const {
    const auto found = keys.find(name);
    return found == keys.end() ? otherwise : found->second;
  }
};

using Object = std::unique_ptr<bpf_object, void (*)(bpf_object*)>;

// Loads the only program of an object as XDP for frames of several buffers, as ctga is.
Object load_object(const std::string& path) {
  Object object(bpf_object__open_file(path.c_str(), nullptr), bpf_object__close);
  if (!object) fail("open " + path);
  bpf_program* program = bpf_object__next_program(object.get(), nullptr);
  bpf_program__set_type(program, BPF_PROG_TYPE_XDP);
  bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS);
  if (bpf_object__load(object.get()) != 0) fail("load " + path);
  return object;
}

int program_fd(const Object& object) {
  return bpf_program__fd(bpf_object__next_program(object.get(), nullptr));
}

int map_fd(const Object& object, const char* name) {
  const int fd = bpf_object__find_map_fd_by_name(object.get(), name);
  if (fd < 0) fail(std::string("no map ") + name);
  return fd;
}

struct Outcome {
  std::uint64_t copied = 0;
  std::uint64_t seen = 0;
  std::uint64_t over_budget = 0;
  std::uint64_t ring_full = 0;
};

class Measured {
 public:
  explicit Measured(std::string name) : name_(std::move(name)) {}
  virtual ~Measured() = default;

  const std::string& name() const { return name_; }
  virtual int fd() const = 0;
  virtual void set_up(const Row& row) = 0;
  // Empties the ring buffers, and returns how many copies there were.
  virtual std::uint64_t read() = 0;
  // What became of the matches so far, where the program tells.
  virtual Outcome outcome() const = 0;

 private:
  std::string name_;
};

const ctga::Program& load(ctga::Program& program) {
  program.load();
  return program;
}

// ctga, or another program with its maps.
class Ctga : public Measured {
 public:
  Ctga(const std::string& name, const std::string& path, const std::vector<ctga::Name>& known)
      : Measured(name),
        program_({path, ctga::Hook::xdp, 4 << 20, "", {}, true}),
        maps_(load(program_).maps()),
        reader_(maps_.ring_fd(ctga::Maps::kAnswerRing), maps_.ring_fd(ctga::Maps::kFragmentRing)),
        batch_(1 << 20) {
    maps_.set_known_names(known);
    maps_.write_ports({53});
  }

  int fd() const override { return program_.fd(); }

  void set_up(const Row& row) override {
    const std::uint32_t hertz = ctga::ticks_per_second();
    settings value{};
    value.fragment_threshold = 400;
    value.every_nth = static_cast<std::uint32_t>(row.key("nth", 1));
    value.wakeup_bytes = 512 << 10;
    value.ticks_per_second = hertz;
    value.seen_ticks = static_cast<std::uint32_t>(row.key("seen") * hertz / 1000);
    value.answers_per_second = static_cast<std::uint32_t>(row.key("answers"));
    value.fragments_per_second = static_cast<std::uint32_t>(row.key("fragments"));
    maps_.write_settings(value);
  }

  std::uint64_t read() override {
    std::uint64_t records = 0;
    while (const std::size_t size = reader_.read(batch_.data(), batch_.size())) {
      for (std::size_t at = 0; at < size; records++) {
        record_header header;
        std::memcpy(&header, &batch_[at], sizeof(header));
        at += sizeof(header) + (header.captured_length + 7) / 8 * 8;
      }
    }
    return records;
  }

  Outcome outcome() const override {
    const counters all = maps_.read_counters();
    const copy_counters &a = all.answers, &f = all.fragments;
    return {a.copied + f.copied, a.seen + f.seen, a.over_budget + f.over_budget,
            a.ring_full + f.ring_full};
  }

 private:
  ctga::Program program_;
  ctga::Maps maps_;
  ctga::RingReader reader_;
  Bytes batch_;
};

// The program of "Aggregation-Based Certificate Transparency Gossip". Its reader opens the perf
// buffer either as the paper's own does, which wakes it when half of the buffer is full, or to be
// woken by each copy, as libbpf's perf_buffer__new does.
class Paper : public Measured {
 public:
  Paper(const std::string& name, const std::string& path, const std::vector<ctga::Name>& known,
        bool wakes)
      : Measured(name), object_(load_object(path)), perf_(nullptr, perf_buffer__free) {
    for (const ctga::Name& name : known) {
      std::array<std::uint8_t, 90> key{};  // DN_MAX, without the root
      if (name.size() - 1 > key.size()) continue;
      std::memcpy(key.data(), name.data(), name.size() - 1);
      const std::uint32_t one = 1;
      bpf_map_update_elem(map_fd(object_, "logs"), key.data(), &one, BPF_ANY);
    }
    perf_event_attr attr{};
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_BPF_OUTPUT;
    attr.size = sizeof(attr);
    attr.sample_type = PERF_SAMPLE_RAW;
    attr.sample_period = 1;
    attr.wakeup_events = wakes ? 1 : 0;
    int cpu = 0, key = 0;
    LIBBPF_OPTS(perf_buffer_raw_opts, options, .cpu_cnt = 1, .cpus = &cpu, .map_keys = &key);
    perf_.reset(perf_buffer__new_raw(
        map_fd(object_, "rbuf"), 1024, &attr,
        [](void* self, int, perf_event_header* event) {
          if (event->type == PERF_RECORD_SAMPLE) static_cast<Paper*>(self)->records_++;
          return LIBBPF_PERF_EVENT_CONT;
        },
        this, &options));
    if (!perf_) fail("open the perf buffer");
  }

  int fd() const override { return program_fd(object_); }

  void set_up(const Row& row) override {
    const std::uint32_t index = 0;
    const auto frequency = static_cast<std::uint32_t>(row.key("nth", 1));
    bpf_map_update_elem(map_fd(object_, "secpar"), &index, &frequency, BPF_ANY);
  }

  std::uint64_t read() override {
    const std::uint64_t before = records_;
    perf_buffer__consume(perf_.get());
    return records_ - before;
  }

  Outcome outcome() const override { return {}; }

 private:
  Object object_;
  std::unique_ptr<perf_buffer, void (*)(perf_buffer*)> perf_;
  std::uint64_t records_ = 0;
};

// Changes each packet before a program sees it.
class Vary {
 public:
  Vary(const std::string& path, const Measured& measured) : object_(load_object(path)) {
    const std::uint32_t key = 0;
    const int fd = measured.fd();
    if (bpf_map_update_elem(map_fd(object_, "measured"), &key, &fd, BPF_ANY) != 0) {
      fail("no tail call into " + measured.name());
    }
  }

  int fd() const { return program_fd(object_); }

  void set_up(const Row& row) {
    const std::uint32_t key = 0;
    struct {
      std::uint32_t letters, number;
      std::uint64_t packets;
    } value{};
    // Packets are counted on: none is like one of a row before.
    bpf_map_lookup_elem(map_fd(object_, "variation"), &key, &value);
    value.letters = static_cast<std::uint32_t>(row.key("letters"));
    value.number = static_cast<std::uint32_t>(row.key("number"));
    bpf_map_update_elem(map_fd(object_, "variation"), &key, &value, BPF_ANY);
  }

 private:
  Object object_;
};

// Nanoseconds a packet.
double run(int fd, const Row& row) {
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = row.frame.data(),
              .data_size_in = static_cast<std::uint32_t>(row.frame.size()), .repeat = row.packets);
  const double before = thread_ns();
  if (bpf_prog_test_run_opts(fd, &options) != 0) fail("run " + row.id);
  if (options.retval != XDP_PASS) fail(row.id + " does not pass");
  return (thread_ns() - before) / row.packets;
}

struct Entry {
  std::unique_ptr<Measured> program;
  std::unique_ptr<Vary> vary;
};

void measure(const Row& row, int rounds, std::vector<Entry>& entries) {
  const bool varies = row.key("letters") != 0 || row.key("number") != 0;
  std::map<std::string, std::vector<double>> times;
  std::map<std::string, Outcome> before;
  std::map<std::string, std::uint64_t> read;
  std::vector<Entry*> taking_part;
  for (Entry& entry : entries) {
    if (row.without.count(entry.program->name()) != 0) continue;
    taking_part.push_back(&entry);
    entry.program->set_up(row);
    entry.vary->set_up(row);
    if (row.key("full") == 0) entry.program->read();
    before[entry.program->name()] = entry.program->outcome();
  }
  for (int round = 0; round < rounds; round++) {
    for (Entry* entry : taking_part) {
      const std::string& name = entry->program->name();
      times[name].push_back(run(varies ? entry->vary->fd() : entry->program->fd(), row));
      if (row.key("full") == 0) read[name] += entry->program->read();
    }
  }
  for (const Entry* entry : taking_part) {
    const std::string& name = entry->program->name();
    const Outcome& was = before[name];
    const Outcome is = entry->program->outcome();
    std::cout << "{\"row\":" << row.id << ",\"program\":\"" << name << "\",\"read\":" << read[name]
              << ",\"copied\":" << is.copied - was.copied << ",\"seen\":" << is.seen - was.seen
              << ",\"overBudget\":" << is.over_budget - was.over_budget
              << ",\"ringFull\":" << is.ring_full - was.ring_full << ",\"ns\":[";
    const char* separator = "";
    for (const double ns : times[name]) {
      std::cout << separator << ns;
      separator = ",";
    }
    std::cout << "]}" << std::endl;
  }
}

Row parse_row(std::istringstream& words) {
  Row row;
  std::string frame, word;
  words >> row.id >> row.packets >> frame;
  row.frame = from_hex(frame);
  while (words >> word) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "without") {
      row.without.insert(value);
    } else {
      row.keys[key] = std::stoull(value);
    }
  }
  return row;
}

void follow_plan(const std::string& vary_path) {
  std::vector<ctga::Name> known;
  std::vector<Entry> entries;
  int rounds = 1;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string what, name, kind, path;
    words >> what;
    if (what == "rounds") {
      words >> rounds;
    } else if (what == "known") {
      words >> name;
      known.push_back(from_hex(name));
    } else if (what == "program") {
      words >> name >> kind >> path;
      std::unique_ptr<Measured> program;
      if (kind == "ctga") {
        program = std::make_unique<Ctga>(name, path, known);
      } else {
        program = std::make_unique<Paper>(name, path, known, kind == "paper-woken");
      }
      auto vary = std::make_unique<Vary>(vary_path, *program);
      entries.push_back({std::move(program), std::move(vary)});
    } else if (what == "row") {
      measure(parse_row(words), rounds, entries);
    } else {
      fail("what is " + what + "?");
    }
  }
}

}  // namespace

int main(int, char** arguments) try {
  pin_to_cpu(0);
  follow_plan(arguments[1]);
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
