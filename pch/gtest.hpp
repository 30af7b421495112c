// Precompiled for the test programs.
#include "std.hpp"

#include <gtest/gtest.h>
