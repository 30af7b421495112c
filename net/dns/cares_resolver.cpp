#include "net/dns/cares_resolver.hpp"

#include "net/dns/cares_client.hpp"
#include "net/dns/name_resolver.hpp"

namespace masu::net {
namespace {

class CaresResolver final : public AddressResolver {
 public:
  CaresResolver(boost::asio::io_context& context, const Clock& clock, TimerQueue& timers)
      : client_(context, clock, timers), names_(client_, clock, timers) {}
  void resolve(const MultiaddrView& address, ResolveRequest& request) override {
    names_.resolve(address, request);
  }

 private:
  CaresClient client_;
  NameResolver names_;
};

}  // namespace

std::unique_ptr<AddressResolver> make_cares_resolver(boost::asio::io_context& context, const Clock& clock,
                                                     TimerQueue& timers) {
  return std::make_unique<CaresResolver>(context, clock, timers);
}

}  // namespace masu::net
