// A doubly linked list whose links lie in its elements: no allocation, removal in constant time, and an
// element takes itself out when it is destroyed. Not thread-safe.
#pragma once

#include "alloc/check.hpp"

#include <cstddef>
#include <iterator>

namespace masu {

template <class T, class Tag = void>
class IntrusiveList;

// Base of an element. `Tag` lets one type be in several lists.
template <class T, class Tag = void>
class IntrusiveListNode {
 public:
  IntrusiveListNode() = default;
  IntrusiveListNode(const IntrusiveListNode&) = delete;
  IntrusiveListNode& operator=(const IntrusiveListNode&) = delete;
  ~IntrusiveListNode() { unlink(); }

  bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
    --*size_;
    size_ = nullptr;
  }

 private:
  friend class IntrusiveList<T, Tag>;
  IntrusiveListNode* next_ = nullptr;
  IntrusiveListNode* previous_ = nullptr;
  std::size_t* size_ = nullptr;
};

// Does not own its elements; on destruction they are unlinked and live on.
template <class T, class Tag>
class IntrusiveList {
  using Node = IntrusiveListNode<T, Tag>;

 public:
  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) head_.next_->unlink();
    head_.next_ = head_.previous_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  std::size_t size() const { return size_; }
  T& front() { return *static_cast<T*>(head_.next_); }
  T& back() { return *static_cast<T*>(head_.previous_); }
  // Requires: the element is in no list of this tag.
  void push_back(T& element) { insert_before(head_, element); }
  void push_front(T& element) { insert_before(*head_.next_, element); }
  T* pop_front() {
    if (empty()) return nullptr;
    T& element = front();
    static_cast<Node&>(element).unlink();
    return &element;
  }

  template <class Value, class NodePointer>
  class Iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = Value*;
    using reference = Value&;
    Iterator() = default;
    explicit Iterator(NodePointer node) : node_(node) {}
    Value& operator*() const { return *static_cast<Value*>(node_); }
    Value* operator->() const { return static_cast<Value*>(node_); }
    Iterator& operator++() {
      node_ = node_->next_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      node_ = node_->next_;
      return before;
    }
    Iterator& operator--() {
      node_ = node_->previous_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    NodePointer node_ = nullptr;
  };
  using iterator = Iterator<T, Node*>;
  using const_iterator = Iterator<const T, const Node*>;
  iterator begin() { return iterator(head_.next_); }
  iterator end() { return iterator(&head_); }
  const_iterator begin() const { return const_iterator(head_.next_); }
  const_iterator end() const { return const_iterator(&head_); }

 private:
  void insert_before(Node& place, T& element) {
    Node& node = element;
    MASU_CHECK(!node.linked(), "an element is in one list of a tag at a time");
    node.next_ = &place;
    node.previous_ = place.previous_;
    place.previous_->next_ = &node;
    place.previous_ = &node;
    node.size_ = &size_;
    ++size_;
  }

  Node head_;
  std::size_t size_ = 0;
};

}  // namespace masu
