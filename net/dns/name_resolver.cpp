#include "net/dns/name_resolver.hpp"

#include "alloc/check.hpp"

#include <algorithm>

namespace masu::net {
namespace {

constexpr std::string_view text_prefix = "dnsaddr=";

// The part of `address` behind its first component.
Bytes behind_name(const Multiaddr& address) {
  return address.bytes().subspan((*address.begin()).bytes.size());
}

std::string name_in(const Multiaddr& address) { return std::string(as_text((*address.begin()).value)); }

bool ends_with(const Multiaddr& address, Bytes end) {
  const Bytes bytes = address.bytes();
  return bytes.size() >= end.size() && equal(bytes.last(end.size()), end);
}

}  // namespace

NameResolver::NameResolver(DnsClient& client, const Clock& clock, TimerQueue& timers)
    : client_(client),
      clock_(clock),
      timers_(timers),
      lookups_{Lookup(*this), Lookup(*this), Lookup(*this), Lookup(*this)} {}

NameResolver::~NameResolver() = default;

void NameResolver::resolve(const MultiaddrView& address, ResolveRequest& request) {
  MASU_CHECK(address.is_dns(), "only names are resolved");
  request.asked_for = Multiaddr(address);
  waiting_.push_back(request);
  begin_next();
}

void NameResolver::begin_next() {
  for (Lookup& lookup : lookups_) {
    if (lookup.busy()) continue;
    ResolveRequest* request = waiting_.pop_front();
    if (request == nullptr) return;
    lookup.begin(request->asked_for, *request);
  }
}

NameResolver::Lookup::Lookup(NameResolver& resolver) : resolver_(resolver) {
  for (Question& question : questions_) question.lookup = this;
}

void NameResolver::Lookup::begin(const Multiaddr& address, ResolveRequest& request) {
  busy_ = true;
  asked_ = 0;
  error_.clear();
  asker_.push_back(request);
  pending_.push_back({address, 0});
  resolver_.timers_.arm(*this, resolver_.clock_.now() + NameResolver::deadline);
  advance();
}

// Asks what can be asked; ends when nothing is left. With nothing asked yet, the end comes from the timer, so
// that resolve() makes no upcall.
void NameResolver::Lookup::advance() {
  while (!pending_.empty() && results_.size() < resolved_addresses_max) {
    const Pending next = pending_.back();
    const AddressProtocol protocol = (*next.address.begin()).protocol;
    const std::string name = name_in(next.address);
    bool asked = true;
    switch (protocol) {
      case AddressProtocol::dnsaddr: asked = ask(DnsType::txt, "_dnsaddr." + name, next); break;
      case AddressProtocol::dns4: asked = ask(DnsType::a, name, next); break;
      case AddressProtocol::dns6: asked = ask(DnsType::aaaa, name, next); break;
      default: {
        // Both, or none now.
        const auto idle = std::count_if(questions_.begin(), questions_.end(),
                                        [](const Question& question) { return !question.asked; });
        asked = idle >= 2 && ask(DnsType::a, name, next) && ask(DnsType::aaaa, name, next);
      }
    }
    if (!asked) break;
    pending_.pop_back();
  }
  const bool waits = std::any_of(questions_.begin(), questions_.end(),
                                 [](const Question& question) { return question.asked; });
  if (!waits) resolver_.timers_.arm(*this, resolver_.clock_.now());
}

// False: later, or never when the questions are used up.
bool NameResolver::Lookup::ask(DnsType type, const std::string& name, const Pending& about) {
  if (asked_ >= questions_max) {
    pending_.clear();
    pending_.push_back(about);  // taken out by the caller
    return true;
  }
  const auto free = std::find_if(questions_.begin(), questions_.end(),
                                 [](const Question& question) { return !question.asked; });
  if (free == questions_.end()) return false;
  free->asked = true;
  free->type = type;
  free->about = about;
  ++asked_;
  resolver_.client_.ask(type, name, *free);
  return true;
}

void NameResolver::Lookup::on_answer(Question& question, const DnsAnswer& answer) {
  question.asked = false;
  if (asker_.empty()) return finish();  // nobody wants to know any more
  const Pending about = question.about;
  if (!answer.error.empty()) {
    error_ = "failed to resolve " + about.address.to_string() + ": " + answer.error;
  }
  for (const IpAddress& ip : answer.addresses) take_ip(ip, about);
  for (const std::string& text : answer.texts) take_text(text, about);
  advance();
}

void NameResolver::Lookup::take_ip(const IpAddress& ip, const Pending& about) {
  const Multiaddr with_port = Multiaddr::tcp(ip, 0);
  const Bytes ip_part = (*with_port.begin()).bytes;
  std::vector<std::uint8_t> bytes(ip_part.begin(), ip_part.end());
  const Bytes rest = behind_name(about.address);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  if (const auto address = Multiaddr::decode(bytes)) take(*address, about.depth);
}

void NameResolver::Lookup::take_text(const std::string& text, const Pending& about) {
  if (!text.starts_with(text_prefix)) return;
  const auto address = Multiaddr::parse(std::string_view(text).substr(text_prefix.size()));
  if (address && ends_with(*address, behind_name(about.address))) take(*address, about.depth + 1);
}

void NameResolver::Lookup::take(const Multiaddr& address, int depth) {
  if (!address.is_dns()) {
    const bool known = std::find(results_.begin(), results_.end(), address) != results_.end();
    if (!known && results_.size() < resolved_addresses_max) results_.push_back(address);
  } else if (depth < dnsaddr_depth_max && pending_.size() < resolved_addresses_max) {
    pending_.push_back({address, depth});
  }
}

void NameResolver::Lookup::on_timer(TimePoint) {
  if (std::any_of(questions_.begin(), questions_.end(),
                  [](const Question& question) { return question.asked; })) {
    error_ = "failed to resolve: DNS did not answer in time";
  }
  finish();
}

void NameResolver::Lookup::finish() {
  const std::vector<Multiaddr> results = std::move(results_);
  const std::string error =
      results.empty() ? (error_.empty() ? "failed to resolve: no addresses" : error_) : "";
  ResolveRequest* request = asker_.pop_front();
  stop();
  if (request != nullptr) request->on_resolved(results, error);
  resolver_.begin_next();
}

void NameResolver::Lookup::stop() {
  cancel();
  for (Question& question : questions_) {
    if (std::exchange(question.asked, false)) resolver_.client_.forget(question);
  }
  // Their memory too.
  pending_ = {};
  results_ = {};
  busy_ = false;
}

}  // namespace masu::net
