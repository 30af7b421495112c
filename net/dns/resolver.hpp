// AddressResolver: from addresses with names (/dns, /dns4, /dns6, /dnsaddr) to addresses that can be dialled.
//
// Owned by core; loop thread only. Nothing is ever asked of DNS for an address that has no name. Answers come
// from the loop, never from inside of a call. Limits: names in names up to a depth of 4, 100 results and 32
// questions for a request, ten seconds; a few requests are worked on at once, the others wait.
#pragma once

#include "alloc/intrusive_list.hpp"
#include "multiformats/multiaddr.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace masu::net {

inline constexpr std::size_t resolved_addresses_max = 100;
inline constexpr int dnsaddr_depth_max = 4;

// Who waits for an answer: linked until it came; taken back when it is destroyed or unlinked.
class ResolveRequest : public IntrusiveListNode<ResolveRequest> {
 public:
  // Once. `error` is empty when there is at least one address; addresses keep what stood behind the name (a
  // port, /p2p). Both are valid inside the call only. May destroy the request.
  virtual void on_resolved(std::span<const Multiaddr> addresses, std::string_view error) = 0;
  // Kept here by the resolver while it waits.
  Multiaddr asked_for;

 protected:
  ~ResolveRequest() = default;
};

class AddressResolver {
 public:
  virtual ~AddressResolver() = default;
  // Requires: address.is_dns(); the request is not waiting.
  virtual void resolve(const MultiaddrView& address, ResolveRequest& request) = 0;
};

}  // namespace masu::net
