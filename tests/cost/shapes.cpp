#include "tests/cost/shapes.hpp"

#include "tests/cost/parts.hpp"

namespace ccproxy::test {

std::vector<Shape> messages_requests() {
  std::vector<Shape> shapes;
  add_values(shapes, kHead + R"("messages":)", "}");
  add_members(shapes, kHead, "messages");
  shapes.push_back(listed("the model as a number", kHead, R"("model":1)", "}"));
  shapes.push_back(listed("the model with half a pair", kHead, R"("model":"\ud83d")", "}"));
  shapes.push_back(listed("streams", kHead, R"("stream":true)", "}"));
  return shapes;
}

std::vector<Shape> batches() {
  std::vector<Shape> shapes;
  const std::string head = R"({"requests":[)";
  shapes.push_back(listed("requests", head, R"({"custom_id":"a","params":{"model":"m"}})", "]}"));
  shapes.push_back(listed("requests of nothing", head, "{}", "]}"));
  shapes.push_back(
      listed("models in one request", head + R"({"params":{)", R"("model":"m")", "}}]}"));
  shapes.push_back(
      listed("models in escapes", head + R"({"params":{)", R"("model":"\u006d")", "}}]}"));
  shapes.push_back(
      listed("parameters again and again", head + "{", R"("params":{"model":"m"})", "}]}"));
  shapes.push_back(
      listed("lists again and again", "{", R"("requests":[{"params":{"model":"m"}}])", "}"));
  add_values(shapes, head + R"({"params":{"model":"m","messages":)", "}}]}");
  return shapes;
}

std::vector<Shape> values() {
  std::vector<Shape> shapes;
  add_values(shapes, "", "");
  add_values(shapes, R"({"type":"message","role":"user","content":)", "}");
  return shapes;
}

}  // namespace ccproxy::test
