#include "alloc/task.hpp"

#include "alloc/budget.hpp"
#include "alloc/completion.hpp"
#include "alloc/resource.hpp"

#include <array>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu {
namespace {

struct Recorder final : TaskListener {
  void on_task_done(TaskOutcome result) noexcept override {
    ++calls;
    outcome = result;
  }
  int calls = 0;
  TaskOutcome outcome = TaskOutcome::done;
};

// Counts its own lives, so that a value that is copied bitwise or destroyed twice shows.
struct Tracked {
  explicit Tracked(int number_in) : number(number_in), self(this) { ++alive; }
  Tracked(const Tracked& other) : number(other.number), self(this) { ++alive; }
  Tracked(Tracked&& other) noexcept : number(std::exchange(other.number, -1)), self(this) { ++alive; }
  Tracked& operator=(const Tracked&) = delete;
  ~Tracked() {
    EXPECT_EQ(self, this);
    --alive;
  }
  int number;
  Tracked* self;
  static inline int alive = 0;
};

class TaskTest : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(Tracked::alive, 0);
    EXPECT_EQ(account_.live_bytes(), 0u);
  }
  Budget budget_{"root", 1u << 20};
  Account account_{budget_, "request", Lifetime::request, 1u << 20};
  AccountResource memory_{account_};
  Recorder recorder_;
};

Task<int> give(TaskMemory, int number) { co_return number; }

Task<int> add(TaskMemory memory, int a, int b) {
  const int left = co_await give(memory, a);
  const int right = co_await give(memory, b);
  co_return left + right;
}

// Not inline: clang takes the frame from its caller's stack where it sees the whole life of a task.
[[gnu::noinline]] Task<> store(TaskMemory memory, int& out) { out = co_await add(memory, 2, 3); }

TEST_F(TaskTest, IsLazyAndGivesItsValue) {
  int out = 0;
  {
    Task<> task = store(memory_, out);
    EXPECT_GT(account_.live_bytes(), 0u) << "the frame is the account's";
  }
  EXPECT_EQ(out, 0) << "a task that nobody awaits does nothing";
  spawn(store(memory_, out), recorder_);
  EXPECT_EQ(out, 5);
  EXPECT_EQ(recorder_.calls, 1);
}

Task<> store_without_memory(int& out) {
  out = 7;
  co_return;
}

TEST_F(TaskTest, WithoutAResourceTheFrameComesFromOperatorNew) {
  int out = 0;
  Task<> task = store_without_memory(out);
  EXPECT_EQ(account_.live_bytes(), 0u);
  spawn(std::move(task), recorder_);
  EXPECT_EQ(out, 7);
}

Task<> use_resource(int& out, std::pmr::memory_resource& scratch) {
  const std::pmr::vector<int> numbers(3, 7, &scratch);
  out = numbers[2];
  co_return;
}

TEST_F(TaskTest, AResourceForAnotherUseIsNotTheFrames) {
  int out = 0;
  Task<> task = use_resource(out, memory_);
  EXPECT_EQ(account_.live_bytes(), 0u);
  spawn(std::move(task), recorder_);
  EXPECT_EQ(out, 7);
}

class Counter {
 public:
  Task<> count(TaskMemory, int by) {
    value += by;
    co_return;
  }
  Task<> peek(TaskMemory, int& out) const {
    out = value;
    co_return;
  }
  int value = 0;
};

TEST_F(TaskTest, MemberFunctionsNameTheirResourceToo) {
  Counter counter;
  int out = 0;
  Task<> count = counter.count(memory_, 3);
  const std::size_t one = account_.live_bytes();
  EXPECT_GT(one, 0u);
  Task<> peek = counter.peek(memory_, out);
  EXPECT_GT(account_.live_bytes(), one);
  spawn(std::move(count), recorder_);
  spawn(std::move(peek), recorder_);
  EXPECT_EQ(out, 3);
}

Task<> wait_for(TaskMemory, Completion<Tracked>& event, int& out) {
  const Tracked local(1);
  Tracked value = co_await event;
  out = value.number + local.number;
}

TEST_F(TaskTest, GoesOnWhereItsEventIsCompleted) {
  Completion<Tracked> event;
  int out = 0;
  TaskRun run;
  run.start(wait_for(memory_, event, out), recorder_);
  EXPECT_TRUE(run.running());
  EXPECT_EQ(recorder_.calls, 0);
  event.complete(Tracked(41));
  EXPECT_EQ(out, 42);
  EXPECT_EQ(recorder_.calls, 1);
  EXPECT_FALSE(run.running());
  EXPECT_EQ(account_.live_bytes(), 0u);
}

TEST_F(TaskTest, ACompletedEventDoesNotSuspend) {
  Completion<Tracked> event;
  event.complete(Tracked(1));
  int out = 0;
  spawn(wait_for(memory_, event, out), recorder_);
  EXPECT_EQ(out, 2);
}

Task<> outer(TaskMemory memory, Completion<Tracked>& event, int& out) {
  const Tracked local(1);
  co_await wait_for(memory, event, out);
}

TEST_F(TaskTest, ACancelledRunDestroysAllFramesAndTellsNobody) {
  Completion<Tracked> event;
  int out = 0;
  {
    TaskRun run;
    run.start(outer(memory_, event, out), recorder_);
    EXPECT_EQ(Tracked::alive, 2);
  }
  EXPECT_EQ(Tracked::alive, 0);
  EXPECT_EQ(recorder_.calls, 0);
}

TEST_F(TaskTest, TheListenerMayDestroyTheRunAndItsMemory) {
  struct Request final : TaskListener {
    explicit Request(Account& account) : bump(account, 64 * 1024) {}
    void on_task_done(TaskOutcome) noexcept override { delete this; }
    Bump bump;
    Completion<Tracked> event;
    TaskRun run;
    int out = 0;
  };
  auto* request = new Request(account_);
  request->run.start(outer(request->bump, request->event, request->out), *request);
  EXPECT_GT(account_.live_bytes(), 0u);
  request->event.complete(Tracked(1));
  EXPECT_EQ(account_.live_bytes(), 0u);

  request = new Request(account_);
  request->event.complete(Tracked(1));
  request->run.start(outer(request->bump, request->event, request->out), *request);
  EXPECT_EQ(account_.live_bytes(), 0u) << "also when the task ends before start() returns";
}

Task<int> allocate_too_much(TaskMemory, Account& account) {
  AccountResource resource(account);
  const Tracked local(1);
  std::pmr::vector<char> bytes(2u << 20, 'x', &resource);
  co_return static_cast<int>(bytes.size());
}

Task<> catch_refusal(TaskMemory memory, Account& account, bool& caught) {
  try {
    co_await allocate_too_much(memory, account);
  } catch (const std::bad_alloc&) {
    caught = true;
  }
}

Task<> pass_refusal_on(TaskMemory memory, Account& account) { co_await allocate_too_much(memory, account); }

TEST_F(TaskTest, BadAllocTravelsToTheAwaiterAndToTheListener) {
  bool caught = false;
  spawn(catch_refusal(memory_, account_, caught), recorder_);
  EXPECT_TRUE(caught);
  EXPECT_EQ(recorder_.outcome, TaskOutcome::done);
  spawn(pass_refusal_on(memory_, account_), recorder_);
  EXPECT_EQ(recorder_.outcome, TaskOutcome::out_of_memory);
  EXPECT_EQ(recorder_.calls, 2);
}

TEST_F(TaskTest, EachRefusedFrameIsBadAllocAndLeavesNothing) {
  int out = 0;
  for (std::size_t quota = 0; out == 0; quota += 16) {
    ASSERT_LT(quota, 4096u);
    account_.set_quota(quota);
    recorder_.outcome = TaskOutcome::out_of_memory;
    try {
      spawn(store(memory_, out), recorder_);
    } catch (const std::bad_alloc&) {
    }
    ASSERT_EQ(account_.live_bytes(), 0u);
    EXPECT_EQ(recorder_.outcome == TaskOutcome::done, out == 5);
  }
  EXPECT_EQ(out, 5);
}

Task<> many_awaits(TaskMemory memory, int rounds, int& out) {
  for (int round = 0; round < rounds; ++round) out += co_await give(memory, 1);
}

TEST_F(TaskTest, AMillionAwaitsInALoopNeedNoStack) {
  int out = 0;
  spawn(many_awaits(memory_, 1'000'000, out), recorder_);
  EXPECT_EQ(out, 1'000'000);
}

// --- What GCC 12 got wrong in its time; these forms are used, so they are held here. ---

Task<std::string> join(TaskMemory, std::string a, std::unique_ptr<int> b, Tracked c) {
  co_return a + std::to_string(*b) + std::to_string(c.number);
}

Task<> temporaries(TaskMemory memory, Completion<Tracked>& event, std::string& out) {
  // Temporaries in the operand live until the full expression ends, over its suspension.
  out = co_await join(memory, std::string(40, 'x'), std::make_unique<int>(5), Tracked(6)) + "!";
  const Tracked value = co_await event;
  out += std::to_string(value.number) +
         co_await join(memory, std::string("y"), std::make_unique<int>(1), Tracked(value.number));
}

TEST_F(TaskTest, ArgumentsByValueLiveInTheFrameOnce) {
  Completion<Tracked> event;
  std::string out;
  spawn(temporaries(memory_, event, out), recorder_);
  event.complete(Tracked(9));
  EXPECT_EQ(out.substr(0, 40), std::string(40, 'x'));
  EXPECT_EQ(out.substr(40), "56!9y19");
  EXPECT_EQ(recorder_.calls, 1);
}

TEST_F(TaskTest, ArgumentsOfATaskThatIsNeverAwaitedAreDestroyed) {
  {
    const Task<std::string> task = join(memory_, "a", std::make_unique<int>(1), Tracked(1));
  }
  EXPECT_EQ(Tracked::alive, 0);
}

Task<std::expected<Tracked, std::string>> check(TaskMemory, Tracked value) {
  if (value.number < 0) co_return std::unexpected("negative");
  co_return std::move(value);
}

Task<> control_flow(TaskMemory memory, std::vector<int> numbers, std::string& out) {
  for (const int number : numbers) {
    auto checked = co_await check(memory, Tracked(number));
    if (!checked) {
      out += checked.error();
      continue;
    }
    switch (checked->number) {
      case 1: out += "one "; break;
      default:
        if (co_await give(memory, checked->number) > 5) co_return;
        out += "other ";
    }
  }
}

TEST_F(TaskTest, ValuesTravelThroughLoopsAndBranches) {
  std::string out;
  spawn(control_flow(memory_, {1, 3, -1, 9, 1}, out), recorder_);
  EXPECT_EQ(out, "one other negative");
}

Task<> move_only(TaskMemory, Completion<std::unique_ptr<int>>& event, int& out) {
  const std::unique_ptr<int> value = co_await event;
  out = *value;
}

TEST_F(TaskTest, MoveOnlyValuesAreDelivered) {
  Completion<std::unique_ptr<int>> event;
  int out = 0;
  spawn(move_only(memory_, event, out), recorder_);
  event.complete(std::make_unique<int>(8));
  EXPECT_EQ(out, 8);
}

Task<> throw_a_bug(TaskMemory) {
  throw std::string("no bad_alloc");
  co_return;
}

TEST(TaskDeathTest, OtherExceptionsEndTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Budget budget("root", 1u << 20);
  Account account(budget, "request", Lifetime::request, 1u << 20);
  AccountResource memory(account);
  Recorder recorder;
  EXPECT_DEATH(spawn(throw_a_bug(memory), recorder), "left a coroutine");
}

}  // namespace
}  // namespace masu
