#include "store/disk/segment_writer.hpp"

#include "store/disk/crc32c.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace masu::store {
namespace {

constexpr std::uint32_t writeback_bytes = 4 * 1024 * 1024;

}  // namespace

SegmentWriter::SegmentWriter(Files& files, std::string directory, std::uint32_t segment_bytes,
                             StoreState& state)
    : files_(files), directory_(std::move(directory)), segment_bytes_(segment_bytes), state_(state) {}

void SegmentWriter::resume(std::shared_ptr<SegmentFile> segment, std::uint32_t end) {
  const std::lock_guard guard(lock_);
  current_ = std::move(segment);
  end_ = written_back_ = end;
}

std::shared_ptr<SegmentFile> SegmentWriter::current() const {
  const std::lock_guard guard(lock_);
  return current_;
}

void SegmentWriter::retire(std::uint32_t id) {
  const std::lock_guard guard(lock_);
  if (current_ && current_->id() == id) current_.reset();
}

SegmentWriter::Unsynced SegmentWriter::take_unsynced() {
  const std::lock_guard guard(lock_);
  unsynced_bytes_ = 0;
  written_back_ = end_;
  return std::exchange(unsynced_, {});
}

StoreResult<void> SegmentWriter::make_room(std::uint32_t record_bytes) {
  // A record that is larger than a segment has one to itself.
  if (current_ && (end_ + std::uint64_t{record_bytes} <= segment_bytes_ || end_ == segment_header_bytes)) {
    return {};
  }
  const std::uint32_t id = state_.next_segment();
  const std::string path = directory_ + "/" + segment_name(id);
  auto file = files_.open(path, Files::Mode::create);
  if (!file) return std::unexpected(file.error());
  const SegmentHeader header = encode_segment_header(id);
  const Bytes piece(header);
  if (auto written = (*file)->write(0, {&piece, 1}); !written) {
    file->reset();
    // If it stays it is empty, and the next open takes it away; its number is not used again.
    if (!files_.unlink(path)) state_.segment_begun(id);
    return std::unexpected(written.error());
  }
  state_.segment_begun(id);
  current_ = std::make_shared<SegmentFile>(id, std::move(*file));
  end_ = written_back_ = segment_header_bytes;
  unsynced_.created = true;
  return {};
}

StoreResult<SegmentLocation> SegmentWriter::append(const RecordHeader& header,
                                                   std::span<const Bytes> pieces) {
  std::array<std::uint8_t, record_header_bytes_max> buffer;
  const Bytes encoded = encode_record_header(header, buffer);
  const std::lock_guard guard(lock_);
  if (auto room = make_room(header.record_bytes()); !room) return std::unexpected(room.error());
  if (auto written = write_pieces(end_, encoded, pieces); !written) {
    undo();
    return std::unexpected(written.error());
  }
  return appended(header);
}

// The header goes with the first pieces, in one system call for a block of usual size.
StoreResult<void> SegmentWriter::write_pieces(std::uint64_t offset, Bytes header,
                                              std::span<const Bytes> pieces) {
  std::array<Bytes, 64> parts;
  parts[0] = header;
  std::size_t count = 1;
  std::size_t bytes = header.size();
  for (const Bytes piece : pieces) {
    if (count == parts.size()) {
      if (auto written = current_->file().write(offset, parts); !written) return written;
      offset += bytes;
      count = bytes = 0;
    }
    parts[count++] = piece;
    bytes += piece.size();
  }
  return current_->file().write(offset, std::span<const Bytes>(parts.data(), count));
}

StoreResult<SegmentLocation> SegmentWriter::append_copy(const RecordHeader& header, SegmentFile& from,
                                                        std::uint32_t offset, MutableBytes buffer) {
  std::array<std::uint8_t, record_header_bytes_max> head;
  const Bytes encoded = encode_record_header(header, head);
  const std::lock_guard guard(lock_);
  if (auto room = make_room(header.record_bytes()); !room) return std::unexpected(room.error());
  auto written = current_->file().write(end_, {&encoded, 1});
  if (written) {
    written = copy_data(end_ + encoded.size(), header, from, offset + encoded.size(), buffer);
  }
  if (!written) {
    undo();
    return std::unexpected(written.error());
  }
  return appended(header);
}

StoreResult<void> SegmentWriter::copy_data(std::uint64_t to, const RecordHeader& header, SegmentFile& from,
                                           std::uint64_t offset, MutableBytes buffer) {
  std::uint32_t crc = 0;
  for (std::uint32_t done = 0; done < header.data_bytes;) {
    const MutableBytes part = buffer.first(std::min<std::size_t>(buffer.size(), header.data_bytes - done));
    const auto got = from.file().read(offset + done, part);
    if (!got) return std::unexpected(got.error());
    if (*got != part.size()) break;  // the checksum will not match
    crc = crc32c(part, crc);
    const Bytes piece(part);
    if (auto written = current_->file().write(to + done, {&piece, 1}); !written) return written;
    done += static_cast<std::uint32_t>(part.size());
  }
  if (crc == header.data_crc) return {};
  return std::unexpected(from.damaged({from.id(), static_cast<std::uint32_t>(offset), header.data_bytes},
                                      header.hash, "wrong checksum"));
}

StoreResult<SegmentLocation> SegmentWriter::appended(const RecordHeader& header) {
  const SegmentLocation location{current_->id(), end_, header.data_bytes};
  const std::uint32_t end = end_ + header.record_bytes();
  if (!state_.appended(location.segment, end)) {
    undo();
    return fail(StoreErrorCode::out_of_memory, "no memory for the table of segments");
  }
  end_ = end;
  mark_unsynced();
  unsynced_bytes_ += header.record_bytes();
  if (end_ - written_back_ >= writeback_bytes) {
    current_->file().start_writeback(written_back_, end_ - written_back_);
    written_back_ = end_;
  }
  return location;
}

void SegmentWriter::mark_unsynced() {
  auto& segments = unsynced_.segments;
  if (segments.empty() || segments.back() != current_) segments.push_back(current_);
}

// What a failed write left behind the end would be overwritten by the next one; cut off it takes no space.
void SegmentWriter::undo() noexcept { static_cast<void>(current_->file().truncate(end_)); }

}  // namespace masu::store
