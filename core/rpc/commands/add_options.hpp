// AddOptions: what one `add` was asked for, from its options and the section Import of the configuration.
#pragma once

#include "core/config.hpp"
#include "core/rpc/command.hpp"
#include "unixfs/import/import_options.hpp"

#include <expected>
#include <string>

namespace masu::core::rpc::commands {

struct AddOptions {
  unixfs::ImportOptions import;
  bool only_hash = false;
  bool pin = true;
  std::string pin_name;
  bool progress = false;
  bool silent = false;
};

// The errors are Kubo's where it has them; what this build does not have is refused by name.
std::expected<AddOptions, CommandError> add_options(const Call& call, const Config& config);

// The hash function that a command's option or Import.HashFunction names, in any case of letters.
std::string import_hash_name(std::string_view given, const Config& config);

}  // namespace masu::core::rpc::commands
