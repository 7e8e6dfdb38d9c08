//! Values that people would rather not escape.

use capt_testing::Scenario;
use serde_json::json;

use super::row;

/// Puts each value out as Terraform got it: through a variable, in a quoted text, and in a heredoc.
const ECHO: &str = r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplate
metadata: {name: echo, namespace: default}
spec:
  template:
    spec:
      writeConnectionSecretToRef: {name: echoed}
      forProvider:
        source: Inline
        vars:
        - {key: value, value: "${value}"}
        module: |
          variable "value" { type = string }
          output "variable" { value = var.value }
          output "quoted" { value = "<${value}>" }
          output "heredoc" {
            value = <<-EOT
              <${value}>
            EOT
          }
"#;

#[test]
fn hostile_values() {
    row(
        "hostile-values",
        "variables hold quotes, backslashes, newlines, ${, %{, control characters, emoji, and 100 kB",
        "hands every byte to Terraform as it is, in variables and in the text of the module",
    )
    .play(async |account| {
        let world = Scenario::start().await;
        world.apply(ECHO).await;
        let apply = "WorkspaceTemplateApply/echo";
        world
            .apply("apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\nkind: WorkspaceTemplateApply\nmetadata: {name: echo, namespace: default}\nspec: {templateRef: {name: echo}, variables: {value: first}}\n")
            .await;
        let large = "0123456789 \"${x}\" %{ if y }\n".repeat(4_000);
        assert!(large.len() > 100_000);
        for value in [
            "\"quotes\" 'and' \\backslashes\\",
            "line\nline\r\n\ttab\n",
            "${var.value} $${x} %{ if true } %%{ $ % $$ {}",
            "${value}",
            "EOT\n  EOT",
            "\u{1}\u{1f}\u{7f}",
            "🦀 ünïcödé 漢字 \u{202e}\u{feff}",
            "",
            " ",
        ] {
            world
                .patch(apply, json!({ "spec": { "variables": { "value": value } } }))
                .await;
            world
                .until("the value arrived", crate::MINUTE, |world| {
                    world.state(apply) == "Ready" && world.secret("Secret/echoed", "variable") == value
                })
                .await;
            assert_eq!(world.secret("Secret/echoed", "quoted"), format!("<{value}>"));
            assert_eq!(world.secret("Secret/echoed", "heredoc"), format!("<{value}>\n"));
        }
        // An object is not to grow without bounds: what is large stands in it once.
        let (template, _) = ECHO.split_once("          output \"quoted\"").unwrap();
        world.apply(template).await;
        world
            .patch(apply, json!({ "spec": { "variables": { "value": large } } }))
            .await;
        world
            .until("the large value arrived", crate::MINUTE, |world| {
                world.state(apply) == "Ready" && world.secret("Secret/echoed", "variable") == large
            })
            .await;
        account.sees(&world, apply);
        account.least("each new value is one apply");
        account.ends(&world);
    });
}
