// NameResolver: which questions an address with a name needs, and what their answers make of it. Without IO:
// a DnsClient asks. Owned by whoever made it; loop thread only.
//
// /dns4 and /dns6 ask for A and AAAA, /dns for both; the addresses take the name's place. /dnsaddr asks for
// TXT records of _dnsaddr.NAME, each of which is an address again ("dnsaddr=/ip4/…"), perhaps with a name; of
// these, only those count that end as the address asked for does (with the same /p2p).
#pragma once

#include "net/clock.hpp"
#include "net/dns/dns_client.hpp"
#include "net/dns/resolver.hpp"
#include "net/timers.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace masu::net {

class NameResolver final : public AddressResolver {
 public:
  static constexpr std::size_t lookups_max = 4;  // at once
  static constexpr std::size_t questions_max = 32;
  static constexpr Duration deadline = 10s;

  // All must outlive this.
  NameResolver(DnsClient& client, const Clock& clock, TimerQueue& timers);
  ~NameResolver() override;

  void resolve(const MultiaddrView& address, ResolveRequest& request) override;

 private:
  static constexpr std::size_t asked_at_once_max = 4;

  struct Pending {
    Multiaddr address;
    int depth = 0;
  };
  class Lookup;
  struct Question final : DnsQuestion {
    void on_answer(const DnsAnswer& answer) override { lookup->on_answer(*this, answer); }
    Lookup* lookup = nullptr;
    bool asked = false;
    DnsType type = DnsType::a;
    Pending about;
  };
  // One request being worked on.
  class Lookup final : private Timer {
   public:
    explicit Lookup(NameResolver& resolver);
    ~Lookup() override { stop(); }
    bool busy() const { return busy_; }
    void begin(const Multiaddr& address, ResolveRequest& request);
    void on_answer(Question& question, const DnsAnswer& answer);

   private:
    void advance();
    bool ask(DnsType type, const std::string& name, const Pending& about);
    void take(const Multiaddr& address, int depth);
    void take_text(const std::string& text, const Pending& about);
    void take_ip(const IpAddress& ip, const Pending& about);
    void finish();
    void stop();
    void on_timer(TimePoint) override;

    NameResolver& resolver_;
    bool busy_ = false;
    IntrusiveList<ResolveRequest> asker_;  // one, as long as it wants to know
    std::array<Question, asked_at_once_max> questions_;
    std::vector<Pending> pending_;
    std::vector<Multiaddr> results_;
    std::size_t asked_ = 0;
    std::string error_;
  };

  void begin_next();

  DnsClient& client_;
  const Clock& clock_;
  TimerQueue& timers_;
  std::array<Lookup, lookups_max> lookups_;
  IntrusiveList<ResolveRequest> waiting_;
};

}  // namespace masu::net
