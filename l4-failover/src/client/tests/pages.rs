//! Completions and manual pages.

use super::run;

#[tokio::test]
async fn every_shell_gets_completions_of_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&["completions", shell]).await.unwrap();
        for word in ["l4-failover", "failback", "maintenance", "token-file"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[tokio::test]
async fn the_program_and_every_command_have_a_page() {
    let page = run(&["man"]).await.unwrap();
    assert!(page.contains(".TH l4-failover 1"), "{page}");
    assert!(page.contains("failback"), "{page}");
    let page = run(&["man", "failback"]).await.unwrap();
    assert!(page.contains("\\-\\-force"), "{page}");
    let synopsis = ".SH SYNOPSIS\nl4\\-failover failback [OPTIONS] <NAME>\n.SH DESCRIPTION\n";
    assert!(page.contains(synopsis), "{page}");
    let page = run(&["man", "connections", "end"]).await.unwrap();
    assert!(page.contains(".TH l4-failover-connections-end 1"), "{page}");
    let error = run(&["man", "connections", "start"]).await.unwrap_err();
    let sentence = error.sentence();
    assert!(
        sentence.starts_with("there is no command \"start\"; there are: end"),
        "{sentence}"
    );
    let error = run(&["man", "status", "end"]).await.unwrap_err();
    let sentence = error.sentence();
    assert_eq!(sentence, "there is no command \"end\"; there are: none");
    let error = run(&["man", "fallback"]).await.unwrap_err();
    let sentence = error.sentence();
    assert!(sentence.starts_with("there is no command \"fallback\"; there are: status, failover"));
    assert!(error.is_mistyped());
}
