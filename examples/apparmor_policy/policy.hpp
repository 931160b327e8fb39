// SPDX-License-Identifier: Apache-2.0
//
// A policy as the host knows it after everything in it has been checked: plain
// values, owned, without a pointer into the input.
#pragma once

#include "policy_format.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace apparmor_policy {

using Octets = std::span<const std::uint8_t>;

// Where the host finds a DFA and its accept words in the input.
struct Dfa {
    std::uint32_t begin = 0; // of the magic number; what a match is asked about
    std::uint32_t size = 0;
    std::uint32_t flags = 0; // enum policy_dfa_flags
    std::uint32_t states = 0;
    std::uint32_t transitions = 0;
    std::uint32_t classes = 0; // how many the 256 octets fall into
    std::uint32_t accept = 0;  // the first word of the accept table
    std::uint32_t accept2 = 0; // of the second one; 0 if there is none
    std::uint32_t start = POLICY_START_DEFAULT;
    std::uint32_t dfa_start = POLICY_START_DEFAULT;
    bool operator==(const Dfa &) const = default;
};

using Perm = std::array<std::uint32_t, POLICY_PERM_WORDS>;

// The rules of one kind. Without `perms`, permissions are packed in accept words.
struct Database {
    std::optional<Dfa> dfa;
    std::optional<std::vector<Perm>> perms;
    std::vector<std::string> names; // where exec rules lead to
    bool operator==(const Database &) const = default;
};

struct Capabilities {
    std::uint64_t allow = 0;
    std::uint64_t audit = 0;
    std::uint64_t quiet = 0;
    std::uint64_t extended = 0;
    bool operator==(const Capabilities &) const = default;
};

struct Rlimit {
    std::uint32_t resource = 0; // 0 to 15
    std::uint64_t value = 0;
    bool operator==(const Rlimit &) const = default;
};

struct Secmark {
    bool audit = false;
    bool deny = false;
    std::string label;
    bool operator==(const Secmark &) const = default;
};

struct Profile {
    std::string name;
    std::string name_space; // from the name; empty if that of the load
    std::uint32_t version = 0;
    std::optional<std::string> rename;
    std::optional<std::string> attachment;
    std::optional<std::string> disconnected;
    std::uint32_t flags = 0;                // enum policy_flag_bits
    policy_mode mode = POLICY_MODE_ENFORCE; // as it applies, with force-complain
    bool audit = false;
    std::optional<std::uint32_t> path_flags;
    Capabilities capabilities;
    std::vector<std::string> xattrs;
    std::vector<Rlimit> rlimits; // those that the mask says are set
    std::vector<Secmark> secmarks;
    Database xmatch; // which programs the profile attaches to
    std::uint32_t xmatch_length = 0;
    Database policydb;
    Database file;
    std::vector<std::pair<std::string, std::vector<std::uint8_t>>> data;
    bool operator==(const Profile &) const = default;
};

struct Policy {
    std::string name_space; // what profiles are loaded into; empty if the current one
    std::vector<std::string> ignored_namespaces; // of later headers, which differ
    std::vector<Profile> profiles;
    bool operator==(const Policy &) const = default;
};

// What may be done with a file, in the bits of old accept words.
enum Access : std::uint32_t {
    kAccessExec = 0x01,
    kAccessWrite = 0x02,
    kAccessRead = 0x04,
    kAccessAppend = 0x08,
    kAccessLink = 0x10,
    kAccessLock = 0x20,
    kAccessMap = 0x40, // map executable
};

struct Match {
    std::uint32_t state = 0;
    std::uint32_t accept = 0; // the words of that state
    std::uint32_t accept2 = 0;
    std::uint32_t owner = 0; // Access to files of the process's own user
    std::uint32_t other = 0; // to all other files
    bool operator==(const Match &) const = default;
};

struct Failure {
    enum class Kind {
        kMalformed, // the policy is refused; `error` says why, `offset` where
        kFault,     // the code in the cell was stopped
        kLie,       // what came back does not agree with the input
        kNoCell     // no cell, or no memory for one
    };
    Kind kind = Kind::kMalformed;
    policy_error error = POLICY_OK;
    std::uint32_t offset = 0;
    std::string text; // one sentence without a full stop
};

template <class T> using Outcome = std::variant<T, Failure>;

// "RLIMITS_COUNT", and what was found in words. `error` is any value at all.
const char *error_name(std::uint32_t error);
const char *error_text(std::uint32_t error);

} // namespace apparmor_policy
