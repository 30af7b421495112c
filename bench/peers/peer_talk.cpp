// What a peer says: who it is, what it wants, and what it has.
#include "bench/peers/peer.hpp"
#include "bitswap/protocol.hpp"
#include "net/identify/identify_limits.hpp"
#include "net/identify/peer_record.hpp"
#include "net/ping.hpp"
#include "tests/bitswap/raw_message.hpp"

#include <algorithm>
#include <array>

namespace masu::peers {
namespace {

using bitswap::bytes_field;
using bitswap::framed;
using bitswap::WantText;
using bitswap::WantType;

constexpr std::size_t questions_max = 48;
constexpr std::size_t wants_a_message = 128;
constexpr std::size_t unsent_max = 512 * 1024;

// The kinds that peers of the network announce: TCP, QUIC, WebTransport, and by way of a relay.
Multiaddr some_address(SeededRandom& random) {
  const std::uint64_t bits = random.next();
  const auto octet = [&](int n) { return std::to_string(1 + (bits >> (8 * n) & 0x7f)); };
  const std::string host = "/ip4/" + octet(0) + "." + octet(1) + "." + octet(2) + "." + octet(3);
  const std::string port = std::to_string(1024 + (bits >> 40) % 60000);
  std::string text = host + "/tcp/" + port;
  const std::size_t kind = random.below(4);
  if (kind == 1) text = host + "/udp/" + port + "/quic-v1";
  if (kind == 2) text = host + "/udp/" + port + "/quic-v1/webtransport";
  if (kind == 3) {
    std::array<std::uint8_t, PrivateKey::seed_bytes> seed;
    random.fill(seed);
    text += "/p2p/" + PeerId::of(PrivateKey::from_seed(seed).public_key()).to_string() + "/p2p-circuit";
  }
  return *Multiaddr::parse(text);
}

}  // namespace

// --- Who it is. ---

void Peer::change_addresses(std::size_t kept) {
  addresses_.resize(std::min(kept, addresses_.size()));
  while (addresses_.size() < visit_.addresses) addresses_.push_back(some_address(random_));
  ++record_;
}

std::string Peer::who_i_am() {
  namespace field = net::identify_field;
  std::string message = bytes_field(field::public_key, as_text(key_.public_key().to_protobuf()));
  for (const Multiaddr& address : addresses_) {
    message += bytes_field(field::listen_addresses, as_text(address.bytes()));
  }
  for (const std::string_view protocol :
       {net::identify_protocol, net::identify_push_protocol, net::ping_protocol, bitswap::protocols[0]}) {
    message += bytes_field(field::protocols, protocol);
  }
  message += bytes_field(field::protocol_version, net::identify_protocol_version);
  message += bytes_field(field::agent_version, "masu-bench-peer/1.0.0");
  world_.tally.addresses += addresses_.size();
  std::vector<std::uint8_t> record(net::identify_part_bytes_max);
  const auto size = net::seal_peer_record(key_, addresses_, record_, record);
  if (!size || *size + 8 > net::identify_part_bytes_max) return framed(message);
  return framed(message) +
         framed(bytes_field(field::signed_peer_record, as_text(Bytes(record).first(*size))));
}

void Peer::on_who(bool answered) {
  if (leaving_ || !connection_) return;
  if (!answered) return connection_->close();
  identified_ = true;
  ++world_.tally.connected;
  if (connect_asked_) world_.tally.answer(Kind::connect, world_.now - *connect_asked_);
  connect_asked_.reset();
  ping_at_ = ping_asked_ ? world_.now : world_.asks ? world_.now + about(20s) : TimePoint::max();
  if (!world_.asks) return;
  tell_at_ = world_.now;
  ask_at_ = world_.now + about(world_.plan.ask);
  push_at_ = world_.now + 5s + about(15s);
}

// --- What it wants. ---

void Peer::say(const std::string& message) {
  if (talk_ == nullptr) {
    talk_ = &add<TalkFlow>(static_cast<TalkListener&>(*this));
    TalkFlow& talk = *talk_;
    talk.send(framed(message));
    return open(std::span(bitswap::protocols).first(1), talk);
  }
  talk_->send(framed(message));
}

void Peer::on_talk_gone(net::StreamEnd) {
  talk_ = nullptr;
  owed_.clear();
  if (identified_ && !leaving_ && world_.asks) tell_at_ = world_.now + 500ms;
}

// Standing wants, and what is not answered yet.
void Peer::tell_all_wants() {
  tell_at_ = TimePoint::max();
  std::vector<WantText> wants;
  bool full = true;
  const auto tell = [&] {
    if (wants.empty()) return;
    world_.tally.wants_told += wants.size();
    say(bitswap::wantlist(wants, full));
    full = false;
    wants.clear();
  };
  for (const auto& [cid, question] : questions_) {
    const WantType type = question.kind == Kind::block ? WantType::block : WantType::have;
    wants.push_back({cid, 1, false, type, question.kind == Kind::absent});
  }
  for (const std::string& cid : standing_) {
    wants.push_back({cid, 1, false, WantType::have, false});
    if (wants.size() >= wants_a_message) tell();
  }
  tell();
}

void Peer::ask() {
  ask_at_ = world_.now + about(world_.plan.ask);
  const std::size_t dice = random_.below(100);
  if (questions_.size() >= questions_max) return;
  if (dice < 30) {
    ask_held(true);
  } else if (dice < 55) {
    ask_held(false);
  } else if (dice < 75) {
    ask_absent(false);
  } else if (dice < 85) {
    ask_absent(true);
  } else {
    change_wants();
  }
}

void Peer::ask_held(bool whole) {
  const auto& held = world_.plan.held;
  if (held.empty()) return;
  std::vector<WantText> wants;
  for (std::size_t n = 0, count = whole ? 1 : 1 + random_.below(8); n < count; ++n) {
    const std::string& cid = held[random_.below(held.size())];
    const Kind kind = whole ? Kind::block : Kind::have;
    if (!questions_.try_emplace(cid, Question{kind, world_.now}).second) continue;
    world_.tally.ask(kind);
    wants.push_back({cid, 1, false, whole ? WantType::block : WantType::have, true});
  }
  if (wants.empty()) return;
  late_at_ = std::min(late_at_, world_.now + world_.tally.limit());
  world_.tally.wants_told += wants.size();
  say(bitswap::wantlist(wants));
}

void Peer::ask_absent(bool whole) {
  std::vector<WantText> wants;
  for (std::size_t n = 0, count = 1 + random_.below(8); n < count; ++n) {
    std::string cid = absent_cid(random_);
    questions_.emplace(cid, Question{Kind::absent, world_.now});
    world_.tally.ask(Kind::absent);
    wants.push_back({std::move(cid), 1, false, whole ? WantType::block : WantType::have, true});
  }
  late_at_ = std::min(late_at_, world_.now + world_.tally.limit());
  world_.tally.wants_told += wants.size();
  say(bitswap::wantlist(wants));
}

// Some standing wants are given up, and others come.
void Peer::change_wants() {
  std::vector<WantText> wants;
  for (std::size_t n = 0, count = std::min<std::size_t>(standing_.size(), 1 + random_.below(32)); n < count;
       ++n) {
    wants.push_back({standing_.front(), 1, true, WantType::have, false});
    standing_.pop_front();
    standing_.push_back(absent_cid(random_));
    wants.push_back({standing_.back(), 1, false, WantType::have, false});
  }
  if (wants.empty()) return;
  world_.tally.cancels += wants.size() / 2;
  world_.tally.wants_told += wants.size() / 2;
  say(bitswap::wantlist(wants));
}

// What was not answered in time is given up.
void Peer::forget_late() {
  late_at_ = TimePoint::max();
  std::vector<WantText> cancels;
  const Duration limit = world_.tally.limit();
  std::erase_if(questions_, [&](const auto& one) {
    const TimePoint late = one.second.asked + limit;
    if (late > world_.now) {
      late_at_ = std::min(late_at_, late);
      return false;
    }
    cancels.push_back({one.first, 1, true, WantType::have, false});
    return true;
  });
  for (std::optional<TimePoint>* const asked : {&connect_asked_, &ping_asked_}) {
    if (!*asked) continue;
    const TimePoint late = **asked + limit;
    if (late <= world_.now) {
      asked->reset();
      if (asked == &ping_asked_ && identified_ && world_.asks) ping_at_ = world_.now + about(20s);
    } else {
      late_at_ = std::min(late_at_, late);
    }
  }
  if (!cancels.empty() && identified_) say(bitswap::wantlist(cancels));
}

void Peer::answered(const std::string& cid, bool has, bool bytes) {
  const auto found = questions_.find(cid);
  if (found == questions_.end()) return;
  const Question question = found->second;
  // HAVE is no answer to who wants the block; the block is one to who asked whether it is there.
  if (has && !bytes && question.kind == Kind::block) return;
  questions_.erase(found);
  if (has != (question.kind != Kind::absent)) {
    ++world_.tally.wrong;
    return;
  }
  world_.tally.answer(question.kind, world_.now - question.asked);
  if (!bytes) return;
  ++world_.tally.cancels;
  say(bitswap::wantlist({{cid, 1, true, WantType::block, false}}));
}

// --- What it has. ---

void Peer::on_message(const Message& message) {
  if (leaving_ || !connection_) return;
  for (const auto& [cid, bytes] : message.blocks) {
    world_.tally.bytes_got += bytes.size();
    answered(cid, true, true);
  }
  for (const std::string& cid : message.haves) answered(cid, true, false);
  for (const std::string& cid : message.dont_haves) answered(cid, false, false);
  if (!message.wants.empty()) answer_wants(message.wants);
}

void Peer::answer_wants(const std::vector<Want>& wants) {
  std::string presences;
  for (const Want& want : wants) {
    if (want.cancel) {
      std::erase(owed_, want.cid);
      continue;
    }
    const bool has =
        visit_.file >= 0 && world_.content.find(static_cast<std::size_t>(visit_.file), want.cid) != nullptr;
    const auto cid = Cid::decode(as_bytes(want.cid));
    if (has && !want.have) {
      owed_.push_back(want.cid);
    } else if (has) {
      presences += bitswap::presence(*cid, bitswap::Presence::have);
    } else if (want.send_dont_have && cid) {
      presences += bitswap::presence(*cid, bitswap::Presence::dont_have);
    }
  }
  if (!presences.empty()) say(presences);
  give_blocks();
}

void Peer::give_blocks() {
  while (!owed_.empty() && (talk_ == nullptr || talk_->unsent() < unsent_max)) {
    const std::string name = std::move(owed_.front());
    owed_.pop_front();
    const std::string* bytes = world_.content.find(static_cast<std::size_t>(visit_.file), name);
    ++world_.tally.blocks_given;
    world_.tally.bytes_given += bytes->size();
    say(bitswap::payload(*Cid::decode(as_bytes(name)), *bytes));
  }
}

}  // namespace masu::peers
