// CarReader: a CAR (version 1 or 2) as it arrives, piece by piece: its roots, then its blocks, each checked
// against its CID.
//
//     while (true) {
//       auto event = reader.read(in);       // takes bytes from the front of `in`
//       if (!event) ...                     // the stream is no CAR from here on; or out_of_memory: see below
//       if (*event == CarReader::Event::need_more) break;
//       if (*event == CarReader::Event::root) ... reader.root() ...
//       if (*event == CarReader::Event::block) ... reader.cid(), reader.take_block() ...
//     }
//     ... at the end of the stream: reader.finish()
//
// A machine without IO. A block is gathered in chunks of `holder` as its bytes come and hashed meanwhile; no
// length in the stream is a size to allocate. `out_of_memory` says that chunks were refused: nothing was
// lost, and read() may be tried again with the same bytes. After any other error the machine is destroyed.
// What is behind the payload of a version 2 is skipped. Any thread, one at a time.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "multiformats/digest.hpp"
#include "store/car/car_format.hpp"

#include <cstdint>
#include <memory_resource>
#include <optional>

namespace masu::store::car {

class CarReader {
 public:
  enum class Event : std::uint8_t { need_more, root, block };

  // `memory` holds the states of rare hash functions, up to 2 KiB.
  CarReader(ChunkPool& chunks, Account& holder, std::pmr::memory_resource& memory);

  // Throws std::bad_alloc when `memory` refuses.
  StoreResult<Event> read(Bytes& in);
  // The stream is at its end: an error when that is in the middle of something.
  StoreResult<void> finish() const;

  // Of Event::root.
  const Cid& root() const { return root_; }
  // Of Event::block.
  const Cid& cid() const { return *cid_; }
  ChunkChain take_block() { return std::move(block_); }
  // The last block that was whole; for errors.
  const std::optional<Cid>& last_good() const { return last_good_; }
  // The header was read: an error is one of a block.
  bool in_blocks() const { return state_ > State::roots; }

 private:
  enum class State : std::uint8_t {
    header_length,
    header,
    v2_header,
    padding,  // of a version 2, before its payload
    roots,    // told one by one; takes no bytes
    section_length,
    section_front,  // as many bytes as a CID may have
    block,
    behind,  // the payload of a version 2
  };

  // Each takes what it can; true when its part is whole.
  StoreResult<bool> step(Bytes& in);
  StoreResult<bool> take_length(Bytes& in, std::uint64_t most);
  StoreResult<bool> take_header(Bytes& in);
  StoreResult<bool> take_v2_header(Bytes& in);
  StoreResult<bool> take_section_front(Bytes& in);
  StoreResult<bool> take_block_bytes(Bytes& in);
  StoreResult<bool> end_block();
  void begin_section();

  ChunkPool& chunks_;
  Account& holder_;
  std::pmr::memory_resource& memory_;
  State state_ = State::header_length;
  bool is_v2_ = false;
  std::uint64_t payload_left_ = 0;  // version 2
  std::uint64_t padding_left_ = 0;

  VarintReader length_;
  std::size_t left_ = 0;  // of the header, the section's front, or the block
  FixedBytes<Cid::bytes_max> front_;
  ChunkChain header_;  // until its roots are told
  HeaderView roots_;
  Cid root_;

  std::size_t section_left_ = 0;
  std::optional<Cid> cid_;
  std::optional<Digester> digester_;  // not for identity
  ChunkChain block_;
  std::optional<Cid> last_good_;
};

}  // namespace masu::store::car
