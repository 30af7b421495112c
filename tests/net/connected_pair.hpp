// Fixture of tests: two nodes with an established connection between them; at the end everything must have
// been given back.
#pragma once

#include "tests/net/connection_pair.hpp"

#include <memory>
#include <span>

#include <gtest/gtest.h>

namespace masu::net {

class ConnectedPair : public ::testing::Test {
 protected:
  void SetUp() override { connect({}, {}, 512); }
  void TearDown() override {
    pair.reset();
    EXPECT_TRUE(a->all_given_back());
    EXPECT_TRUE(b->all_given_back());
  }
  void connect(ConnectionLimits dialer, ConnectionLimits listener, std::size_t listener_chunks) {
    pair.reset();
    a = std::make_unique<TestNode>(1, dialer);
    b = std::make_unique<TestNode>(2, listener, listener_chunks);
    pair = std::make_unique<Pair>(*a, *b);
    pair->run();
    ASSERT_TRUE(pair->established());
  }
  TestHandler& server(std::size_t index = 0) { return pair->listener.inbound.at(index); }
  void open(TestHandler& handler, std::span<const std::string_view> protocols = echo_protocol,
            bool lazy = false) {
    ASSERT_TRUE(pair->dialer.connection->open_stream(protocols, handler, lazy));
  }

  std::unique_ptr<TestNode> a, b;
  std::unique_ptr<Pair> pair;
};

}  // namespace masu::net
