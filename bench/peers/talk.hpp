// Bitswap of an honest peer: whole messages in, and the streams they come on.
#pragma once

#include "bench/peers/flow.hpp"

#include <string>
#include <vector>

namespace masu::peers {

struct Want {
  std::string cid;  // as bytes
  bool have = false, cancel = false, send_dont_have = false;
};

// One message of the other side.
struct Message {
  std::vector<Want> wants;
  std::vector<std::string> haves, dont_haves;               // CIDs as bytes
  std::vector<std::pair<std::string, std::string>> blocks;  // the CID that the bytes hash to, and they
};
// False: it is malformed.
bool read_message(Bytes bytes, Message& message);

class TalkListener {
 public:
  virtual void on_message(const Message& message) = 0;
  virtual void on_talk_sent() = 0;                    // all that was queued on our stream
  virtual void on_talk_gone(net::StreamEnd end) = 0;  // our stream
  virtual void on_malformed() = 0;

 protected:
  ~TalkListener() = default;
};

// A stream of the other side.
class HearFlow final : public Flow {
 public:
  HearFlow(FlowOwner& owner, TalkListener& listener) : Flow(owner), listener_(listener) {}

 private:
  void take(Bytes bytes) override;
  TalkListener& listener_;
  std::string heard_;
};

// Our stream, kept open.
class TalkFlow final : public Flow {
 public:
  TalkFlow(FlowOwner& owner, TalkListener& listener) : Flow(owner), listener_(listener) {}

 private:
  void on_all_sent() override { listener_.on_talk_sent(); }
  void on_gone(net::StreamEnd end) override { listener_.on_talk_gone(end); }
  TalkListener& listener_;
};

}  // namespace masu::peers
