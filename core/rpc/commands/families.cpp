#include "core/rpc/commands/commands.hpp"

namespace masu::core::rpc::commands {

constexpr CommandSpec root{.path = "", .tagline = "Global p2p merkle-dag filesystem."};
constexpr CommandSpec bitswap{.path = "bitswap", .tagline = "Interact with the bitswap agent."};
constexpr CommandSpec block{
    .path = "block",
    .tagline = "Interact with raw IPFS blocks.",
    .description =
        "'masu block' is a plumbing command used to manipulate raw IPFS blocks. Reads "
        "from stdin or writes to stdout. A block is identified by a Multihash passed "
        "with a valid CID."};
constexpr CommandSpec dag{
    .path = "dag",
    .tagline = "Interact with IPLD DAG objects.",
    .description = "'masu dag' is used for creating and manipulating DAG objects/nodes."};
constexpr CommandSpec memory{
    .path = "memory",
    .tagline = "Plan the node's memory.",
    .description =
        "The resident memory of a masu process stays below its budget, a number that "
        "its user gives (--memory-budget, or Memory.Budget in the config). "
        "'masu stats memory' shows where each byte of a running node is."};
constexpr CommandSpec pin{.path = "pin", .tagline = "Pin (and unpin) objects to local storage."};
constexpr CommandSpec repo{.path = "repo",
                           .tagline = "Manipulate the IPFS repo.",
                           .description = "'masu repo' is a plumbing command used to manipulate the repo."};
constexpr CommandSpec stats{.path = "stats",
                            .tagline = "Query IPFS statistics.",
                            .description =
                                "'masu stats' is a set of commands to help look at statistics for "
                                "your IPFS node."};
constexpr CommandSpec swarm{.path = "swarm",
                            .tagline = "Interact with the swarm.",
                            .description =
                                "'masu swarm' is a tool to manipulate the network swarm. The swarm is the "
                                "component that opens, listens for, and maintains connections to other peers "
                                "in the internet."};

}  // namespace masu::core::rpc::commands
