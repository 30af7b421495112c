#include "alloc/intrusive_list.hpp"

#include <string>

#include <gtest/gtest.h>

namespace masu {
namespace {

struct ByAge;

struct Item : IntrusiveListNode<Item>, IntrusiveListNode<Item, ByAge> {
  explicit Item(char name_in) : name(name_in) {}
  char name;
};

template <class List>
std::string names(const List& list) {
  std::string text;
  for (const Item& item : list) text += item.name;
  return text;
}

TEST(IntrusiveListTest, KeepsOrderAndCount) {
  Item a('a'), b('b'), c('c');
  IntrusiveList<Item> list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.pop_front(), nullptr);
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  EXPECT_EQ(names(list), "abc");
  EXPECT_EQ(list.size(), 3u);
  EXPECT_EQ(&list.front(), &a);
  EXPECT_EQ(&list.back(), &c);
  EXPECT_EQ(list.pop_front(), &a);
  EXPECT_EQ(names(list), "bc");
}

TEST(IntrusiveListTest, AnElementTakesItselfOut) {
  IntrusiveList<Item> list;
  Item a('a');
  list.push_back(a);
  {
    Item gone('x');
    list.push_back(gone);
    EXPECT_EQ(list.size(), 2u);
  }
  EXPECT_EQ(names(list), "a");
  IntrusiveListNode<Item>& node = a;
  node.unlink();
  node.unlink();
  EXPECT_TRUE(list.empty());
}

TEST(IntrusiveListTest, OneElementMayBeInAListOfEachTag) {
  IntrusiveList<Item> list;
  IntrusiveList<Item, ByAge> ages;
  Item a('a'), b('b');
  list.push_back(a);
  list.push_back(b);
  ages.push_front(a);
  ages.push_front(b);
  EXPECT_EQ(names(list), "ab");
  EXPECT_EQ(names(ages), "ba");
}

TEST(IntrusiveListTest, ElementsOutliveTheirList) {
  Item a('a');
  {
    IntrusiveList<Item> list;
    list.push_back(a);
  }
  EXPECT_FALSE(static_cast<IntrusiveListNode<Item>&>(a).linked());
  IntrusiveList<Item> other;
  other.push_back(a);
  EXPECT_EQ(names(other), "a");
}

TEST(IntrusiveListDeathTest, AnElementIsInOneListOfATag) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  IntrusiveList<Item> list, other;
  Item a('a');
  list.push_back(a);
  EXPECT_DEATH(other.push_back(a), "one list of a tag");
}

}  // namespace
}  // namespace masu
