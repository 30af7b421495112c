// JsonLines: an answer of one JSON object a line, taken apart as it arrives.
//
// Memory: one line, at most 1 MiB. One call; one thread.
#pragma once

#include "core/cli/answer.hpp"

#include <string>

#include <boost/json/object.hpp>

namespace masu::core::cli {

class JsonLines : public Output {
 public:
  static constexpr std::size_t line_bytes_max = 1024 * 1024;

  bool begin(std::uint64_t) override { return true; }
  bool take(Bytes bytes) override;
  bool end() override;

 protected:
  virtual bool on_value(const boost::json::object& value) = 0;

 private:
  bool take_line(std::string_view line);

  std::string line_;
};

}  // namespace masu::core::cli
