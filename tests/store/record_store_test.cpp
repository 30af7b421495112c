#include "store/record_store.hpp"

#include "tests/store/store_contract.hpp"

namespace masu::store {
namespace {

class MemoryRecordsFixture {
 public:
  RecordStore& store() { return store_; }

 private:
  MemoryRecordStore store_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, RecordStoreContract, MemoryRecordsFixture);

}  // namespace
}  // namespace masu::store
