#include "proxy/endpoints/models.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "anthropic/models_data.hpp"
#include "config/model_map.hpp"

namespace ccproxy::proxy {
namespace {

class ModelsTest : public testing::Test {
 protected:
  static http::RequestHead head_of(std::string_view target, std::vector<http::Field> fields = {}) {
    http::RequestHead head;
    head.method = "GET";
    head.target = target;
    head.fields = std::move(fields);
    return head;
  }
  static config::Config config() {
    config::Config config;
    config.model_mapping = config::default_mapping();
    return config;
  }
  Result<std::string> show(std::string_view target, std::vector<http::Field> fields = {}) {
    return show_model(catalog_, models_, head_of(target, std::move(fields)), target);
  }

  const std::vector<http::Field> anthropic_{{"anthropic-version", "2023-06-01"}};
  const anthropic::ModelTable models_ = anthropic::parse_models(anthropic::kModelsJson).value();
  const ModelCatalog catalog_{models_, config()};
};

TEST_F(ModelsTest, list_has_the_shape_that_the_client_reads) {
  const std::string openai = list_models(catalog_, head_of("/v1/models"));
  EXPECT_TRUE(openai.starts_with(R"({"object":"list")")) << openai.substr(0, 100);
  EXPECT_NE(openai.find(R"("gpt-4")"), std::string::npos) << "names of the mapping are listed";

  const std::string messages = list_models(catalog_, head_of("/v1/models", anthropic_));
  EXPECT_TRUE(messages.starts_with(R"({"data":[)")) << messages.substr(0, 100);
  EXPECT_NE(messages.find(R"("has_more":)"), std::string::npos);

  const std::string codex = list_models(catalog_, head_of("/v1/models?client_version=0.50.0"));
  EXPECT_TRUE(codex.starts_with(R"({"models":[)")) << codex.substr(0, 100);
}

TEST_F(ModelsTest, list_is_cut_into_pages_for_anthropics_clients) {
  const std::string first = list_models(catalog_, head_of("/v1/models?limit=1", anthropic_));
  EXPECT_NE(first.find(R"("has_more":true)"), std::string::npos) << first;
  const auto begin = first.find(R"("id":")") + 6;
  const std::string id = first.substr(begin, first.find('"', begin) - begin);
  const std::string target = "/v1/models?limit=1&after_id=" + id;
  const std::string second = list_models(catalog_, head_of(target, anthropic_));
  EXPECT_EQ(second.find("\"id\":\"" + id + "\""), std::string::npos) << second;
  EXPECT_EQ(list_models(catalog_, head_of("/v1/models?limit=x", anthropic_)),
            list_models(catalog_, head_of("/v1/models", anthropic_)))
      << "a limit that is no number is left out";
}

TEST_F(ModelsTest, show_a_model_by_its_id_an_alias_or_another_spelling) {
  for (const char* target : {"/v1/models/claude-haiku-4-5", "/v1/models/claude-haiku-4-5-20251001",
                             "/v1/models/claude-haiku-4.5"}) {
    SCOPED_TRACE(target);
    const auto openai = show(target), messages = show(target, anthropic_);
    ASSERT_TRUE(openai && messages);
    EXPECT_NE(openai->find(R"("id":"claude-haiku-4-5")"), std::string::npos) << *openai;
    EXPECT_NE(openai->find(R"("object":"model")"), std::string::npos) << *openai;
    EXPECT_NE(messages->find(R"("type":"model")"), std::string::npos) << *messages;
  }
}

TEST_F(ModelsTest, show_names_an_unknown_model_in_its_error) {
  const auto shown = show("/v1/models/nothing");
  ASSERT_FALSE(shown);
  EXPECT_EQ(shown.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(shown.error().message, "model: nothing");
  EXPECT_EQ(shown.error().param, "model");
  EXPECT_EQ(shown.error().code, "model_not_found");
}

}  // namespace
}  // namespace ccproxy::proxy
