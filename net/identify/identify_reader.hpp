// IdentifyReader: what a peer says of itself, read as it arrives.
//
// A machine without IO: bytes of the stream go in, until its end; then info() is what was said. A part that
// arrives as a whole is read where it lies; only one that is split takes a chunk. Before anything is kept,
// the fields of a part are counted; what is kept is bounded by the sizes of IdentifyInfo, whatever was sent.
// Loop thread; one for each identify that has begun to arrive.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "multiformats/multiaddr.hpp"
#include "multiformats/peer_id.hpp"
#include "net/identify/identify_limits.hpp"
#include "net/text_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace masu::net {

enum class IdentifyError : std::uint8_t {
  malformed,           // no protobuf, or no length
  part_too_large,      // a part of more than 8 KiB was announced
  too_many_parts,      // more than nine
  too_many_protocols,  // more than 1,024
  unfinished,          // the stream ended inside of a part
  out_of_memory,       // no chunk for a part that is split
};
std::string_view name_of(IdentifyError);

// Addresses one behind another, each with its length in front.
class PackedAddresses {
 public:
  static constexpr std::size_t addresses_max = 64;
  static constexpr std::size_t bytes_max = 1536;

  // False: there is no room. Requires: a valid address.
  bool add(const MultiaddrView& address);
  void clear() { used_ = count_ = 0; }
  std::size_t size() const { return count_; }
  // Writes views into `out`, in order; returns how many there are.
  std::span<const MultiaddrView> views(std::span<MultiaddrView, addresses_max> out) const;

 private:
  std::uint16_t used_ = 0;
  std::uint16_t count_ = 0;
  std::array<std::uint8_t, bytes_max> bytes_;
};

struct IdentifyInfo {
  static constexpr std::size_t protocols_max = 128;

  std::array<TextRef, protocols_max> protocols;
  std::size_t protocol_count = 0;
  bool protocols_overflow = false;  // there were more: the list does not count
  // What the peer may be dialled at, filtered by where it is; from its signed record if it sent one.
  PackedAddresses addresses;
  std::optional<std::uint64_t> record_sequence;
  std::string_view agent() const { return {agent_bytes.data(), agent_size}; }
  std::optional<Multiaddr> observed;  // where the peer sees us

  std::array<char, TextTable::text_bytes_max> agent_bytes;  // cut there
  std::size_t agent_size = 0;
};

class IdentifyReader {
 public:
  // `peer` says this over a connection from `remote`.
  IdentifyReader(ChunkPool& chunks, Account& account, TextTable& texts, const PeerId& peer,
                 const MultiaddrView& remote);

  // Takes all of `bytes`. After an error the reader is of no more use, and the stream is to be reset.
  [[nodiscard]] std::expected<void, IdentifyError> on_bytes(Bytes bytes);
  // The stream has ended.
  [[nodiscard]] std::expected<void, IdentifyError> on_end();
  IdentifyInfo& info() { return info_; }

 private:
  std::expected<void, IdentifyError> keep(Bytes& bytes);
  std::expected<void, IdentifyError> on_part(Bytes part);
  void keep_protocols(Bytes part);
  void keep_addresses(Bytes part);
  void keep_record(Bytes envelope);
  void keep_address(const MultiaddrView& address);

  ChunkPool& chunks_;
  Account& account_;
  TextTable& texts_;
  const PeerId peer_;
  const std::optional<IpAddress> remote_;
  Chunk partial_;  // the beginning of a part, with its length
  std::size_t parts_ = 0;
  std::size_t wire_protocols_ = 0;
  std::size_t wire_addresses_ = 0;
  IdentifyInfo info_;
};

// Whether a peer at `remote` may mean `address` for us: from a public place only public addresses, from a
// private network no loopback, from this machine any. Nothing known of the place: any.
bool address_fits(const MultiaddrView& address, const std::optional<IpAddress>& remote);

}  // namespace masu::net
