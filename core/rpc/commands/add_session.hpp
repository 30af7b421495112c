// AddSession: one `add` on the side of the workers: the importer, the blocks it makes, the pins at the end.
//
// The command (loop) fills a batch with entries and bytes while a job (worker) works on the one before; both
// are of bounded size. work() does as much of a batch as there is room for events, and is called again until
// it says that the batch is done. Shared by the command and by the job that is under way, since a command may
// go away before its job: what it is made of outlives the workers. Never used by both at the same time, but
// for the batch that is being filled, and stop().
#pragma once

#include "core/rpc/command.hpp"
#include "core/rpc/commands/add_options.hpp"
#include "store/collectable_store.hpp"
#include "store/pin_set.hpp"
#include "store/sort/spill_file.hpp"
#include "unixfs/import/tree_importer.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace masu::core::rpc::commands {

// What Kubo sends for an entry: a line when it was added, and in between how far it is.
struct AddEvent {
  std::pmr::string name;
  std::optional<Cid> cid;   // nothing: progress
  std::uint64_t bytes = 0;  // the DAG's when it was added, else how many have come
  std::uint32_t mode = 0;   // of the root's upload, as it was sent
  std::optional<unixfs::Timestamp> mtime;
};

class AddBatch {
 public:
  static constexpr std::size_t entries_max = 64;
  static constexpr std::size_t text_bytes_max = 64 * 1024;  // paths and targets

  AddBatch(std::pmr::memory_resource& memory, std::size_t chunks_max)
      : chunks_max_(chunks_max), items_(&memory) {}

  void begin(const UploadEntry& entry);
  void add(ChunkChain&& bytes);
  void end_file();
  bool empty() const { return items_.empty(); }
  bool full() const {
    return entries_ >= entries_max || chunks_ >= chunks_max_ || text_bytes_ >= text_bytes_max;
  }
  void clear();

 private:
  friend class AddSession;
  enum class Kind : std::uint8_t { entry, bytes, end };
  struct Item {
    Kind kind = Kind::entry;
    unixfs::ImportEntry::Kind entry_kind = unixfs::ImportEntry::Kind::file;
    std::pmr::string path, target;
    std::uint32_t mode = 0;
    std::optional<unixfs::Timestamp> mtime;
    ChunkChain bytes;
  };

  const std::size_t chunks_max_;
  std::pmr::vector<Item> items_;
  std::size_t entries_ = 0;
  std::size_t chunks_ = 0;
  std::size_t text_bytes_ = 0;
};

class AddSession {
 public:
  static constexpr std::size_t events_max = 64;
  static constexpr std::size_t roots_max = 128;   // that wait for their pin
  static constexpr std::size_t stored_max = 256;  // multihashes told to others, of one job

  struct Parts {
    store::CollectableStore& blocks;
    store::PinSet& pins;
    ChunkPool& chunks;
    Account& chunk_holder;
    Account& account;
    std::string spill_directory;
    std::size_t batch_chunks = AddBatch::entries_max;
  };
  AddSession(const AddOptions& options, Parts parts);

  // --- Loop thread. ---
  AddBatch& filling() { return *filling_; }
  // What was filled is what work() does next; `last`: nothing follows. Requires: the batch before is done.
  void swap_batches(bool last);
  std::pmr::vector<AddEvent> take_events() {
    return std::exchange(events_, std::pmr::vector<AddEvent>(&heap_));
  }
  std::pmr::vector<Multihash> take_stored() {
    return std::exchange(stored_, std::pmr::vector<Multihash>(&heap_));
  }
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  // --- Worker thread. ---
  // True: the batch is done. False: take the events, and call again. After an error nothing goes on.
  unixfs::Result<bool> work();

 private:
  // Notes what goes into the store, for peers that wait for it.
  class Sink final : public unixfs::BlockSink {
   public:
    explicit Sink(AddSession& session);
    unixfs::Result<> put(const Multihash& hash, std::span<const Bytes> pieces) override;

   private:
    AddSession& session_;
    unixfs::StoreSink store_;
    unixfs::HashOnlySink nowhere_;
  };

  unixfs::Result<bool> work_on_batch();
  unixfs::Result<bool> drain();
  unixfs::Result<> do_item(AddBatch::Item& item, bool& done);
  unixfs::Result<> begin(const AddBatch::Item& item, bool& done);
  unixfs::Result<> end_root();
  unixfs::Result<> finish();
  unixfs::Result<> pin_roots();
  void note_progress(bool at_end);
  AddEvent event(std::string_view name, std::uint64_t bytes);

  const AddOptions options_;
  Parts parts_;
  AccountResource heap_;
  std::atomic<bool> stop_ = false;
  std::optional<store::WriteHold> hold_;
  store::SpillFile spill_;
  Sink sink_;
  unixfs::TreeImporter tree_;

  AddBatch batches_[2];
  AddBatch* filling_ = &batches_[0];
  AddBatch* working_ = &batches_[1];
  std::size_t next_item_ = 0;
  bool last_batch_ = false;
  bool any_entry_ = false;
  bool root_ended_ = false;  // its events are being taken
  bool finished_ = false;

  std::uint64_t file_bytes_ = 0;
  std::uint64_t reported_bytes_ = 0;
  std::uint32_t root_mode_ = 0;
  std::optional<unixfs::Timestamp> root_mtime_;
  std::pmr::vector<AddEvent> events_;
  std::pmr::vector<Cid> roots_;
  std::pmr::vector<Multihash> stored_;
};

}  // namespace masu::core::rpc::commands
