// ProtobufReader, ProtobufWriter: the protobuf wire format of small messages, without building anything.
//
// The reader walks over the fields of a message that lies in memory as a whole (identify, peer records); what
// it returns are views into it. The writer fills bytes of the caller's and says when they do not suffice. Any
// thread. Spec: protobuf.dev/programming-guides/encoding; groups are refused.
#pragma once

#include "alloc/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace masu::net {

struct ProtobufField {
  std::uint32_t number = 0;
  bool is_bytes = false;    // else a number
  std::uint64_t value = 0;  // of a varint or a fixed32 or fixed64
  Bytes bytes;              // of a length-delimited field
  std::string_view text() const { return as_text(bytes); }
};

class ProtobufReader {
 public:
  explicit ProtobufReader(Bytes message) : rest_(message) {}

  // The next field. False at the end, and when the bytes are malformed.
  [[nodiscard]] bool next(ProtobufField& field);
  bool malformed() const { return malformed_; }

 private:
  bool take_varint(std::uint64_t& value);
  bool take_fixed(std::size_t bytes, std::uint64_t& value);

  Bytes rest_;
  bool malformed_ = false;
};

class ProtobufWriter {
 public:
  explicit ProtobufWriter(MutableBytes out) : out_(out) {}

  void put_bytes(std::uint32_t number, Bytes bytes);
  void put_text(std::uint32_t number, std::string_view text) { put_bytes(number, as_bytes(text)); }
  void put_varint(std::uint32_t number, std::uint64_t value);
  // Bytes as they are: a message's length in front of it, or fields that are encoded already.
  void put_raw_varint(std::uint64_t value);
  void put_raw(Bytes bytes);

  bool fits() const { return size_ <= out_.size(); }
  // Bytes written, or needed if they do not fit.
  std::size_t size() const { return size_; }
  // Requires: fits().
  Bytes written() const { return out_.first(size_); }

 private:
  MutableBytes out_;
  std::size_t size_ = 0;
};

// Of a bytes field in a message.
std::size_t protobuf_bytes_field_size(std::uint32_t number, std::size_t bytes);

}  // namespace masu::net
