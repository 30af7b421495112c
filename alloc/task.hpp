// Task<T>: a lazy coroutine for logic at the level of a request (an RPC command, an import, a lookup).
//
// Lazy: nothing runs before the task is awaited or started. One awaiter, one thread (the loop's): what ends
// on a worker is posted to the loop before it resumes a task. Ownership is that of a value: a Task owns its
// frame, and destroying one that is suspended destroys the frame with all locals. A task that ends at once
// goes back into its awaiter by a return, and one that ends later by symmetric transfer: a loop of awaits
// needs no stack, also in builds where GCC makes no tail calls (-O0, AddressSanitizer).
//
// Frame memory: a coroutine whose first parameter (behind the object, for member functions) is a TaskMemory
// takes its frame from that resource; one without takes it from operator new. There is no hidden default.
// Calling a coroutine throws std::bad_alloc when the frame is refused. The resource must outlive the frame;
// frames are freed in reverse order of their calls, so a Bump fits.
//     Task<std::expected<Size, Error>> measure(TaskMemory memory, const Node& node);
//
// Exceptions: std::bad_alloc travels from a task to its awaiter, and ends as TaskOutcome::out_of_memory at
// the listener. Any other exception that leaves a coroutine is a bug, and ends the process.
//
// What to avoid, because GCC 12 miscompiles or the language makes it dangle:
//  - Capturing lambdas as coroutines: the captures live in the lambda, not in the frame. Use a function.
//  - Reference parameters to temporaries: they die at the first suspension of a task that is not awaited in
//  the
//    same expression. Pass by value what does not live elsewhere.
//  - Braced lists or aggregates made inside the operand (`co_await f({a, b})`): GCC copies them bitwise, and
//    destroys them twice. Name the argument on a line of its own.
//  - co_await inside a condition's `&&`, `||`, `?:` with temporaries that have destructors, and inside the
//    range of a range-for: await first, into a variable.
#pragma once

#include "alloc/check.hpp"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <memory_resource>
#include <new>
#include <optional>
#include <utility>

namespace masu {

// Names the resource that a coroutine takes its frame from. Converts from any memory resource.
class TaskMemory {
 public:
  TaskMemory(std::pmr::memory_resource& resource) : resource_(&resource) {}  // NOLINT: implicit on purpose
  std::pmr::memory_resource& resource() const { return *resource_; }

 private:
  std::pmr::memory_resource* resource_;
};

enum class TaskOutcome { done, out_of_memory };

// Told once when a started task has ended. Its frame is gone by then, so the listener may free what the frame
// was made of, and the TaskRun too.
class TaskListener {
 public:
  virtual void on_task_done(TaskOutcome outcome) noexcept = 0;

 protected:
  ~TaskListener() = default;
};

template <class T = void>
class Task;
class TaskRun;
void spawn(Task<void> task, TaskListener& listener);

namespace task_detail {

// In front of each frame: where it came from.
struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) FrameHeader {
  std::pmr::memory_resource* resource;
  std::size_t bytes;
};

inline void* allocate_frame(std::size_t frame_bytes, std::pmr::memory_resource* resource) {
  const std::size_t bytes = sizeof(FrameHeader) + frame_bytes;
  void* memory =
      resource != nullptr ? resource->allocate(bytes, alignof(FrameHeader)) : ::operator new(bytes);
  return new (memory) FrameHeader{resource, bytes} + 1;
}

inline void free_frame(void* frame) noexcept {
  FrameHeader* const header = static_cast<FrameHeader*>(frame) - 1;
  if (header->resource != nullptr) {
    header->resource->deallocate(header, header->bytes, alignof(FrameHeader));
  } else {
    ::operator delete(header);
  }
}

class PromiseBase {
 public:
  static void* operator new(std::size_t bytes) { return allocate_frame(bytes, nullptr); }
  // The type must match: a resource that is a parameter for another use is not taken for the frame's.
  template <std::same_as<TaskMemory> Memory, class... Rest>
  static void* operator new(std::size_t bytes, Memory memory, const Rest&...) {
    return allocate_frame(bytes, &memory.resource());
  }
  template <class Object, std::same_as<TaskMemory> Memory, class... Rest>
  static void* operator new(std::size_t bytes, const Object&, Memory memory, const Rest&...) {
    return allocate_frame(bytes, &memory.resource());
  }
  static void operator delete(void* frame) noexcept { free_frame(frame); }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept {
    try {
      throw;
    } catch (const std::bad_alloc&) {
      out_of_memory_ = true;
    } catch (...) {
      check_failed(__FILE__, __LINE__, "an exception other than bad_alloc left a coroutine");
    }
  }

 protected:
  void rethrow() const {
    if (out_of_memory_) throw std::bad_alloc();
  }
  // What runs next: the awaiter; nobody when the task never suspended, or was started and its listener told.
  std::coroutine_handle<> finish(std::coroutine_handle<> self) noexcept;

 private:
  template <class T>
  friend class masu::Task;
  friend class masu::TaskRun;

  friend void masu::spawn(Task<void>, TaskListener&);

  std::coroutine_handle<> awaiter_;   // of an awaited task
  TaskListener* listener_ = nullptr;  // of a started one
  TaskRun* run_ = nullptr;            // of a started one that somebody owns
  bool out_of_memory_ = false;
};

template <class Promise>
struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
    return self.promise().finish(self);
  }
  void await_resume() const noexcept {}
};

template <class T>
class Promise final : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  FinalAwaiter<Promise> final_suspend() const noexcept { return {}; }
  template <class Value>
  void return_value(Value&& value) {
    value_.emplace(std::forward<Value>(value));
  }
  T take() {
    rethrow();
    return std::move(*value_);
  }

 private:
  friend struct FinalAwaiter<Promise>;
  std::optional<T> value_;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  FinalAwaiter<Promise> final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void take() const { rethrow(); }

 private:
  friend struct FinalAwaiter<Promise>;
};

}  // namespace task_detail

// Move-only. An empty task (default-made, moved-from, started) must not be awaited.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_detail::Promise<T>;

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  explicit operator bool() const { return static_cast<bool>(handle_); }

  // co_await task: runs it to its end and gives its value, or throws std::bad_alloc. Awaited once.
  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> handle;
      bool await_ready() const noexcept { return false; }
      bool await_suspend(std::coroutine_handle<> awaiter) const {
        handle.resume();
        if (handle.done()) return false;  // nobody was told: the awaiter goes on by itself
        handle.promise().awaiter_ = awaiter;
        return true;
      }
      T await_resume() const { return handle.promise().take(); }
    };
    MASU_CHECK(handle_, "a task is awaited once");
    return Awaiter{handle_};
  }

 private:
  friend promise_type;
  friend class TaskRun;
  friend void spawn(Task<void>, TaskListener&);
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

// Where a task starts from plain code: owns the task while it runs, and tells a listener of its end. Stays
// where it is (a member of the request). Destroying it while the task is suspended destroys the task, and the
// listener is not told; whoever was to resume the task must have been told to forget it before.
class TaskRun {
 public:
  TaskRun() = default;
  TaskRun(const TaskRun&) = delete;
  TaskRun& operator=(const TaskRun&) = delete;
  ~TaskRun() { cancel(); }

  bool running() const { return static_cast<bool>(handle_); }
  // Runs the task up to its first suspension, or to its end. The listener may be told before this returns.
  // Requires: not running().
  void start(Task<void> task, TaskListener& listener) {
    MASU_CHECK(!running() && task, "a run has one task at a time");
    handle_ = std::exchange(task.handle_, nullptr);
    handle_.promise().listener_ = &listener;
    handle_.promise().run_ = this;
    handle_.resume();  // may destroy this
  }
  // Destroys the task where it is suspended. Requires: not called from inside the task.
  void cancel() noexcept {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }

 private:
  friend class task_detail::PromiseBase;
  std::coroutine_handle<Task<void>::promise_type> handle_;
};

// Starts a task that owns itself and that nobody can cancel. The listener may be told before this returns.
inline void spawn(Task<void> task, TaskListener& listener) {
  MASU_CHECK(task, "a started task is not empty");
  const auto handle = std::exchange(task.handle_, nullptr);
  handle.promise().listener_ = &listener;
  handle.resume();
}

namespace task_detail {

inline std::coroutine_handle<> PromiseBase::finish(std::coroutine_handle<> self) noexcept {
  if (listener_ == nullptr) return awaiter_ ? awaiter_ : std::noop_coroutine();
  TaskListener* const listener = listener_;
  const TaskOutcome outcome = out_of_memory_ ? TaskOutcome::out_of_memory : TaskOutcome::done;
  if (run_ != nullptr) run_->handle_ = nullptr;
  self.destroy();  // with it this promise
  listener->on_task_done(outcome);
  return std::noop_coroutine();
}

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace task_detail

}  // namespace masu
