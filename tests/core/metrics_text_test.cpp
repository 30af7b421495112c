#include "core/rpc/metrics_text.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace masu::core::rpc {
namespace {

class MetricsTextTest : public testing::Test {
 protected:
  MetricsText text_{*std::pmr::new_delete_resource()};
};

TEST_F(MetricsTextTest, AFamilyIsHelpTypeAndSamples) {
  text_.family("a_bytes", MetricType::gauge, "Bytes.");
  text_.sample(std::uint64_t{18446744073709551615u}, {{"x", "1"}, {"y", "two"}});
  text_.sample(std::uint64_t{0}, {{"x", "2"}, {"y", ""}});
  text_.counter("b_total", 3, "Count.");
  EXPECT_EQ(text_.text(),
            "# HELP a_bytes Bytes.\n# TYPE a_bytes gauge\n"
            "a_bytes{x=\"1\",y=\"two\"} 18446744073709551615\na_bytes{x=\"2\",y=\"\"} 0\n"
            "# HELP b_total Count.\n# TYPE b_total counter\nb_total 3\n");
}

TEST_F(MetricsTextTest, TextIsEscaped) {
  text_.family("a", MetricType::gauge, "a \"b\" \\ c\nd");
  text_.sample(std::uint64_t{1}, {{"x", "a \"b\" \\ c\nd"}});
  EXPECT_EQ(text_.text(), "# HELP a a \"b\" \\\\ c\\nd\n# TYPE a gauge\na{x=\"a \\\"b\\\" \\\\ c\\nd\"} 1\n");
}

TEST_F(MetricsTextTest, NumbersAreInTheirShortestForm) {
  text_.family("a", MetricType::gauge, "");
  text_.clear();
  for (const double value :
       {0.25, -3.0, 1e300, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN()})
    text_.sample(value);
  EXPECT_EQ(text_.text(), "a 0.25\na -3\na 1e+300\na +Inf\na -Inf\na NaN\n");
}

TEST_F(MetricsTextTest, AHistogramMayKnowItsSumOnly) {
  text_.family("a", MetricType::histogram, "h");
  text_.sum_and_count(100, 7);
  EXPECT_EQ(text_.text(), "# HELP a h\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 7\na_sum 100\na_count 7\n");
}

TEST_F(MetricsTextTest, SaysWhenItIsFull) {
  while (!text_.full()) text_.gauge("a", 1, "b");
  EXPECT_GE(text_.text().size(), MetricsText::full_bytes);
  EXPECT_LT(text_.text().size(), MetricsText::full_bytes + 100);
  text_.clear();
  EXPECT_FALSE(text_.full());
}

}  // namespace
}  // namespace masu::core::rpc
