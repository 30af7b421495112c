#include "store/car/car_reader.hpp"

#include <algorithm>
#include <utility>

namespace masu::store::car {
namespace {

auto unexpected_end() { return fail(StoreErrorCode::corrupt, "unexpected EOF"); }

// Copies what is there of `left` bytes behind the chain, and takes it from `in`.
StoreResult<void> gather(ChunkChain& chain, ChunkPool& chunks, Account& holder, Bytes& in,
                         std::size_t bytes) {
  const std::size_t before = chain.size();
  const bool whole = chain.append_copy(chunks, holder, in.first(bytes));
  in = in.subspan(chain.size() - before);
  if (whole) return {};
  return fail(StoreErrorCode::out_of_memory, refusal_text(holder));
}

}  // namespace

CarReader::CarReader(ChunkPool& chunks, Account& holder, std::pmr::memory_resource& memory)
    : chunks_(chunks), holder_(holder), memory_(memory) {}

StoreResult<CarReader::Event> CarReader::read(Bytes& in) {
  while (true) {
    if (state_ == State::roots) {
      if (roots_.root_count > 0) {
        --roots_.root_count;
        root_ = take_root(roots_.roots);
        return Event::root;
      }
      roots_ = {};
      header_.clear();
      begin_section();
    }
    // Bytes of the payload are all that a version 2 shows.
    const bool limited =
        is_v2_ && state_ != State::v2_header && state_ != State::padding && state_ != State::behind;
    Bytes part =
        limited ? in.first(static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), payload_left_))) : in;
    const std::size_t before = part.size();
    const bool in_block = state_ == State::block;
    const auto whole = step(part);
    const std::size_t taken = before - part.size();
    in = in.subspan(taken);
    if (limited) payload_left_ -= taken;
    if (!whole) return std::unexpected(whole.error());
    if (*whole && in_block && state_ == State::section_length) return Event::block;
    if (!*whole && limited && payload_left_ == 0) {
      if (state_ != State::section_length || length_.started()) return unexpected_end();
      state_ = State::behind;
    }
    if (!*whole && in.empty()) return Event::need_more;
  }
}

StoreResult<void> CarReader::finish() const {
  if (state_ == State::section_length && !length_.started()) {
    if (is_v2_ && payload_left_ > 0) return unexpected_end();
    return {};
  }
  if (state_ == State::behind) return {};
  if (state_ == State::header_length && !length_.started() && !is_v2_)
    return fail(StoreErrorCode::corrupt, "EOF");
  return unexpected_end();
}

StoreResult<bool> CarReader::step(Bytes& in) {
  switch (state_) {
    case State::header_length: return take_length(in, header_bytes_max);
    case State::header: return take_header(in);
    case State::v2_header: return take_v2_header(in);
    case State::padding: {
      const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), padding_left_));
      in = in.subspan(skipped);
      padding_left_ -= skipped;
      if (padding_left_ > 0) return false;
      state_ = State::header_length;
      return true;
    }
    case State::roots: return true;
    case State::section_length: return take_length(in, section_bytes_max);
    case State::section_front: return take_section_front(in);
    case State::block: return take_block_bytes(in);
    case State::behind: in = in.subspan(in.size()); return false;
  }
  return false;
}

StoreResult<bool> CarReader::take_length(Bytes& in, std::uint64_t most) {
  while (!in.empty()) {
    const auto length = length_.feed(in.front());
    in = in.subspan(1);
    if (!length && length.error() == VarintError::need_more) continue;
    if (!length)
      return fail(StoreErrorCode::corrupt, "varints malformed, " + std::string(name_of(length.error())));
    const bool of_header = state_ == State::header_length;
    if (*length > most) {
      return fail(StoreErrorCode::too_large, std::string("invalid ") + (of_header ? "header" : "section") +
                                                 " data, length of read beyond allowable maximum");
    }
    section_left_ = static_cast<std::size_t>(*length);
    left_ = of_header ? section_left_ : std::min(section_left_, Cid::bytes_max);
    state_ = of_header ? State::header : State::section_front;
    return true;
  }
  return false;
}

StoreResult<bool> CarReader::take_header(Bytes& in) {
  const std::size_t bytes = std::min(left_ - header_.size(), in.size());
  if (auto gathered = gather(header_, chunks_, holder_, in, bytes); !gathered) {
    return std::unexpected(std::move(gathered.error()));
  }
  if (header_.size() < left_) return false;
  const auto header = parse_header(Rope(header_));
  if (!header) return std::unexpected(header.error());
  if (header->version == 2 && !is_v2_) {
    header_.clear();
    state_ = State::v2_header;
    is_v2_ = true;
    left_ = v2_header_bytes;
    front_.resize(0);
    return true;
  }
  if (header->version != 1) {
    const char* const where =
        is_v2_ ? "invalid data payload header version; expected 1, got " : "invalid car version: ";
    return fail(StoreErrorCode::corrupt, where + std::to_string(header->version));
  }
  roots_ = *header;
  state_ = State::roots;
  return true;
}

StoreResult<bool> CarReader::take_v2_header(Bytes& in) {
  const std::size_t bytes = std::min(left_ - front_.size(), in.size());
  front_.append(in.first(bytes));
  in = in.subspan(bytes);
  if (front_.size() < left_) return false;
  const auto header =
      parse_v2_header(std::span<const std::uint8_t, v2_header_bytes>(front_.data(), v2_header_bytes));
  if (!header) return std::unexpected(header.error());
  payload_left_ = header->payload_bytes;
  padding_left_ = header->payload_at - v2_payload_least;
  state_ = State::padding;
  return true;
}

void CarReader::begin_section() {
  front_.resize(0);
  state_ = State::section_length;
}

StoreResult<bool> CarReader::take_section_front(Bytes& in) {
  const std::size_t bytes = std::min(left_ - front_.size(), in.size());
  front_.append(in.first(bytes));
  in = in.subspan(bytes);
  if (front_.size() < left_) return false;
  Bytes rest = front_;
  const auto cid = Cid::take(rest);
  if (!cid) return fail(StoreErrorCode::corrupt, "invalid cid: " + std::string(name_of(cid.error())));
  cid_ = *cid;
  left_ = section_left_ - cid->bytes().size();
  const Multihash hash = cid->hash();
  if (left_ > block_bytes_max) {
    return fail(
        StoreErrorCode::too_large,
        "produced block is over 2MiB: big blocks can't be exchanged with other peers. consider using UnixFS "
        "for automatic chunking of bigger files, or pass --allow-big-block to override");
  }
  if (const auto allowed = check_allowed(hash); !allowed) {
    return fail(StoreErrorCode::refused, explain(allowed.error(), hash));
  }
  digester_.reset();
  if (!hash.is_identity()) {
    if (!computable(hash)) return fail(StoreErrorCode::refused, "unknown multihash function");
    digester_.emplace(hash.code(), memory_);
  }
  block_.clear();
  state_ = State::block;
  // What lay behind the CID, at most some hundred bytes: one chunk.
  front_ = FixedBytes<Cid::bytes_max>(Bytes(FixedBytes<Cid::bytes_max>(rest)));
  return true;
}

StoreResult<bool> CarReader::take_block_bytes(Bytes& in) {
  const auto take = [&](Bytes& from, std::size_t bytes) -> StoreResult<void> {
    const Bytes all = from;
    auto gathered = gather(block_, chunks_, holder_, from, bytes);
    const std::size_t taken = all.size() - from.size();
    if (digester_) digester_->update(all.first(taken));
    left_ -= taken;
    return gathered;
  };
  if (!front_.empty()) {
    Bytes rest = front_;
    auto taken = take(rest, rest.size());
    front_ = FixedBytes<Cid::bytes_max>(Bytes(FixedBytes<Cid::bytes_max>(rest)));
    if (!taken) return std::unexpected(std::move(taken.error()));
  }
  if (auto taken = take(in, std::min(left_, in.size())); !taken)
    return std::unexpected(std::move(taken.error()));
  if (left_ > 0) return false;
  return end_block();
}

StoreResult<bool> CarReader::end_block() {
  const Multihash expected = cid_->hash();
  Multihash got;
  if (digester_) {
    got = digester_->finish(expected.digest().size());
  } else {
    std::array<std::uint8_t, digest_bytes_max> bytes;
    const std::size_t size = std::min(block_.size(), bytes.size());
    block_.copy_to(0, MutableBytes(bytes).first(size));
    got = Multihash::make(HashCode::identity, Bytes(bytes).first(size));
    if (block_.size() > size) got = Multihash();
  }
  if (got != expected) {
    const Cid other = cid_->version() == 0 ? Cid::v0(got) : Cid::v1(cid_->codec(), got);
    return fail(StoreErrorCode::corrupt, "mismatch in content integrity, expected: " + cid_->to_string() +
                                             ", got: " + other.to_string());
  }
  last_good_ = cid_;
  begin_section();
  return true;
}

}  // namespace masu::store::car
