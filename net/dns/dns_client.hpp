// DnsClient: asks DNS one question. Implemented over c-ares, and by a table in tests; what an address needs
// of it is NameResolver's business. Loop thread only.
#pragma once

#include "multiformats/ip_address.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace masu::net {

enum class DnsType : std::uint8_t { a, aaaa, txt };

struct DnsAnswer {
  static constexpr std::size_t records_max = 100;  // the rest is not looked at
  std::string error;                               // empty: there was an answer
  std::vector<IpAddress> addresses;
  std::vector<std::string> texts;  // each TXT record as a whole
};

class DnsQuestion {
 public:
  // Once, from the loop, never from inside ask().
  virtual void on_answer(const DnsAnswer& answer) = 0;

 protected:
  ~DnsQuestion() = default;
};

class DnsClient {
 public:
  virtual ~DnsClient() = default;
  virtual void ask(DnsType type, const std::string& name, DnsQuestion& question) = 0;
  // No answer to it any more.
  virtual void forget(DnsQuestion& question) noexcept = 0;
};

}  // namespace masu::net
