// CaresClient: DNS questions over c-ares, driven by Asio. One of the drivers of net.
//
// The system's resolv.conf and hosts file are read with the first question, no thread is started. Owned by
// CaresResolver; loop thread only. Limits: questions are bounded by who asks; a socket for each server, tries
// and timeouts are c-ares' with the numbers here. What c-ares allocates comes from the library's door.
#pragma once

#include "net/clock.hpp"
#include "net/dns/dns_client.hpp"
#include "net/timers.hpp"

#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace masu::net {

class CaresClient final : public DnsClient {
 public:
  // `servers`: "127.0.0.1:5353", in place of the system's; for tests.
  CaresClient(boost::asio::io_context& context, const Clock& clock, TimerQueue& timers,
              std::string servers = {});
  ~CaresClient() override;

  void ask(DnsType type, const std::string& name, DnsQuestion& question) override;
  void forget(DnsQuestion& question) noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace masu::net
