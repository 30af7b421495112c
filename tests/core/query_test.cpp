#include "core/rpc/query.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <gtest/gtest.h>

namespace masu::core::rpc {
namespace {

Task<CommandResult> nothing(TaskMemory, Call&) { co_return CommandResult(); }

constexpr auto ls_options = std::to_array<OptionSpec>(
    {{"type", "t", OptionType::text, "all", ""}, {"stream", "s", OptionType::boolean, "", ""}});
constexpr auto one_argument = std::to_array<ArgumentSpec>({{.name = "ipfs-path", .required = true}});
constexpr CommandSpec pin{.path = "pin"};
constexpr CommandSpec pin_ls{
    .path = "pin ls", .options = ls_options, .arguments = one_argument, .run = nothing};
constexpr CommandSpec cat{.path = "cat", .arguments = one_argument, .run = nothing};
constexpr CommandSpec init{.path = "init", .place = CommandPlace::client_only, .run = nothing};

const CommandSpec* find(std::string_view path) {
  for (const CommandSpec* spec : {&pin, &pin_ls, &cat, &init}) {
    if (spec->path == path) return spec;
  }
  return nullptr;
}

std::expected<Query, QueryError> parse(std::string_view path, std::string_view query = "") {
  return parse_query(path, query, find);
}

TEST(Query, WordsOfThePathAreCommandsAndOneMoreIsAnArgument) {
  EXPECT_EQ(parse("/api/v0/cat")->spec, &cat);
  EXPECT_EQ(parse("/api/v0/pin/ls")->spec, &pin_ls);
  const auto with_argument = parse("/api/v0/pin/ls/Qm%41", "arg=b&arg=c");
  ASSERT_TRUE(with_argument);
  EXPECT_EQ(with_argument->spec, &pin_ls);
  EXPECT_EQ(with_argument->arguments, (std::vector<std::string>{"QmA", "b", "c"}));
}

TEST(Query, WhatIsNoCommandIsNotFound) {
  for (const char* path :
       {"/api/v0", "/api/v0/", "/api/v0/nonsense", "/api/v0/pin", "/api/v0/pin/nonsense", "/api/v0/cat/a/b",
        "/api/v0/init", "/api/v0cat", "/api/v0/cat%", "/api/v0/pin%20ls", "/api/v1/cat", "/", ""}) {
    const auto query = parse(path);
    ASSERT_FALSE(query) << path;
    EXPECT_EQ(query.error().status, 404u) << path;
    EXPECT_EQ(query.error().text, "404 page not found") << path;
  }
}

TEST(Query, OptionsAreFoundByEitherNameAndUnknownKeysAreIgnored) {
  const auto query = parse("/api/v0/pin/ls", "t=direct&s&nonsense=1&nonsense=2&enc=text&arg=");
  ASSERT_TRUE(query) << query.error().text;
  EXPECT_EQ(query->options.text("type"), "direct");
  EXPECT_TRUE(query->options.flag("stream"));
  EXPECT_EQ(query->options.text("encoding"), "text");
  EXPECT_EQ(query->arguments, std::vector<std::string>{""});
}

TEST(Query, BadOptionsAreA400) {
  const auto twice = parse("/api/v0/pin/ls", "type=a&t=b");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().status, 400u);
  EXPECT_EQ(twice.error().text, "expected key type to have only a single value, received [a b]");
  const auto bad = parse("/api/v0/pin/ls", "stream=maybe");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().text, "could not convert value \"maybe\" to type \"bool\" (for option \"-stream\")");
}

TEST(Query, MissingArgumentsAreNamed) {
  EXPECT_EQ(missing_argument(cat, 0)->name, "ipfs-path");
  EXPECT_EQ(missing_argument(cat, 1), nullptr);
  EXPECT_EQ(required_file(cat), nullptr);
  EXPECT_FALSE(takes_arguments_from_body(cat));
}

}  // namespace
}  // namespace masu::core::rpc
